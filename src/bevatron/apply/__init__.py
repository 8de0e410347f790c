"""The stage that applies a trained model to new files: scores for every event, in the order of the files."""
