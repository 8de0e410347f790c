"""Proton collisions: generated events, their particles and jets."""
