"""Bevatron: from raw physics simulation to trained, compared and explained neural networks."""

__version__ = "0.1.0"
