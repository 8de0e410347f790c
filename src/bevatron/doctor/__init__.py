"""What is missing on this machine, or this batch system, before the workflow is started."""
