"""Architectures as plain modules, one family per file, found by name. Knows nothing of data, Lightning or Ray."""
