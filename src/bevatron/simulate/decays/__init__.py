"""Decays of resonances: their masses, two-body phase space, and the same event in several frames of reference."""
