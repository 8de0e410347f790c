"""The ledger: the claims of one study decided, and those of all studies that have a page."""
