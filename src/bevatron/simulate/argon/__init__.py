"""Particles in liquid argon: their transport, and the energy that they deposit."""
