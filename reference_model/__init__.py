"""PASS, the paper's method, and the protocols that start from its features."""
