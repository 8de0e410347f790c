"""The stage that decides the claims and writes one page and its tables from everything that was measured."""
