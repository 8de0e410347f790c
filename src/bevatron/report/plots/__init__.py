"""Plots, one kind a module. Each function takes plain results and returns a matplotlib figure."""
