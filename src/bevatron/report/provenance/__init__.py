"""Where each number of the report comes from."""
