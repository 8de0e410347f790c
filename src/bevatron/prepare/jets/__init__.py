"""Features of jets, of their tracks and vertices."""
