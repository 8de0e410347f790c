"""The expected cost of a study: measured rates times the sizes in its file."""
