"""The search stage: Ray Tune over the hyperparameters that a study declares."""
