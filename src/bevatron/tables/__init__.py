"""Tables of events in the files of others: which columns a file has, and their values in ranges of rows."""
