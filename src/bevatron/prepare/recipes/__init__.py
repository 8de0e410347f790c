"""Recipes, one in a module, each found by its name."""
