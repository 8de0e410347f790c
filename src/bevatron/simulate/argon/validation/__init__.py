"""The transport beside published numbers."""
