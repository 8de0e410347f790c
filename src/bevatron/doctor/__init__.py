"""Checks of this machine, or of a batch system, before the workflow starts."""
