"""Tasks: loss and validation of each, one LightningModule a file, registered by the task's name."""
