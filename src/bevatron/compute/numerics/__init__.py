"""Reproducible numbers: devices, seeds, compiled functions, and the comparison of environments."""
