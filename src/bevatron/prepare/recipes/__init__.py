"""The recipes, one module each, found by their registered names."""
