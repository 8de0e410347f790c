"""The stage that trains all seeds of a model and writes the finished results."""
