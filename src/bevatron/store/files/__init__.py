"""Files of any kind: published atomically, with checksums, plain names and sizes that are checked."""
