"""The sources, one module each, found by their registered names."""
