"""One class for each section of the configuration's files."""
