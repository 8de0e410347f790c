"""JSON schemas and tables of keys, written from the sections."""
