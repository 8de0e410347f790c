"""Heads of auxiliary tasks, which read what an architecture has made of its elements and samples."""
