"""Layers: what is learned."""
