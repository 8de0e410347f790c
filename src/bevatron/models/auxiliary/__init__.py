"""Heads of auxiliary tasks, which read the encoded elements and samples of an architecture."""
