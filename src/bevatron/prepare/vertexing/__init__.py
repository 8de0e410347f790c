"""Primary and secondary vertices."""
