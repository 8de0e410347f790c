"""Layers and inputs that several architectures use."""
