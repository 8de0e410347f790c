"""Processes and files of one machine: locks, logs, signals, process trees, environment variables."""
