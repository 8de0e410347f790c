"""The panels of `explore.html`, one module a kind."""
