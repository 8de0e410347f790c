"""Tracks: helices, resolutions, efficiency, and their transport."""
