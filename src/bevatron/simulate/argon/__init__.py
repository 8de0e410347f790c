"""Particles in liquid argon: their transport, and the energy they leave."""
