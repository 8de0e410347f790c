"""The origin of each number of the report."""
