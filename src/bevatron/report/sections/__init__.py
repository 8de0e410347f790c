"""What the report shows of each task, one module a task."""
