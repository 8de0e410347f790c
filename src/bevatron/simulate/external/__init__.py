"""Readers of files that others made."""
