"""Architectures, one family a file, each found by its name."""
