"""Architectures, one family in a file, each found by its name."""
