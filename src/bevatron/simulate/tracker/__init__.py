"""Charged particles in a few layers of pixels: their tracks, and how probable their hits are."""
