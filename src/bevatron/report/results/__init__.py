"""Results of the earlier stages, read and checked."""
