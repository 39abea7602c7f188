"""Scores LUSS predictions against truth masks: arrays and files in, numbers out."""
