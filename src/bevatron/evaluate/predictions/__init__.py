"""Predictions of trained networks, and the samples for which they are made."""
