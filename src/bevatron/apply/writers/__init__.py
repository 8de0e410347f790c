"""Columns written to files as they come, one module for each format."""
