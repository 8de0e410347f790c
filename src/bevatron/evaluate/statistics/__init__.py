"""Metrics and their uncertainties: bootstrap, intervals, curves."""
