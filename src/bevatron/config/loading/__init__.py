"""From files to validated sections, their digests and versions, and components found by name."""
