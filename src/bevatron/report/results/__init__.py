"""What the earlier stages published, read and checked."""
