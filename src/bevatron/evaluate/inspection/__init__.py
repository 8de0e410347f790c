"""Inspection of trained networks: layers, attacks, representations, learning curves, importance of features."""
