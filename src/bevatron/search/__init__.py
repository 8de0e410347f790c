"""The stage that searches hyperparameters with Ray Tune and Optuna, with its own log of trials."""
