"""Predictions of trained networks, and the samples they are made for."""
