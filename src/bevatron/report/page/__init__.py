"""The page: ledger, chapters, figures that may fail alone."""
