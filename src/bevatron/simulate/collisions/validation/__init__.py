"""Comparisons of generated collisions with published numbers."""
