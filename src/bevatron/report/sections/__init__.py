"""The sections of the report for each task, one module a task."""
