"""Tables of the report, and numbers as text."""
