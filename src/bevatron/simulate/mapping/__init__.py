"""From columns of somebody's table to samples: groups, targets, weights, ids, as a study's mapping says."""
