"""A time projection chamber: from energy deposited in liquid argon to pictures of its wire planes."""
