"""Processes, files and signals of one machine: locks, logs, the end of a process, environment variables."""
