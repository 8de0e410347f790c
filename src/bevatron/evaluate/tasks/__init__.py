"""What is measured for each task, one module a task."""
