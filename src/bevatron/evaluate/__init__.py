"""The stage that measures trained models: predictions on the test split, metrics and their uncertainties."""
