"""The stage train: all seeds of a model, killed or not, to finished artefacts."""
