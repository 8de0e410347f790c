"""Metrics of the auxiliary tasks of a model, accumulated while its networks predict."""
