"""Comparisons of the transport with published numbers."""
