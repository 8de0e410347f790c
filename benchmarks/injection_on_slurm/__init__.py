"""Faults put into a tiny workflow on a real Slurm of virtual nodes; what they broke is counted as in `injection`."""
