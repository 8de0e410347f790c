"""Architectures as plain modules, one family in a file, found by name. They know no data files and no Lightning."""
