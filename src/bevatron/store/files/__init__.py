"""Files of any kind: atomic publication, checksums, plain names, checks of declared sizes."""
