"""A time projection chamber: from energy deposited in liquid argon to images of its wire planes."""
