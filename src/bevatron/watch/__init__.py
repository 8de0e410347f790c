"""`bevatron watch`: the state of the whole workflow, read from the files that jobs write."""
