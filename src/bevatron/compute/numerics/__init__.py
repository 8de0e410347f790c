"""Numbers that must be the same: devices, seeds, compiled functions, and what environments say of each other."""
