"""The demo data set: made-up, photograph-like scenes in ImageNet-S layout, and two entries."""
