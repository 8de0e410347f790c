"""The machine: processes, devices, Ray clusters, Slurm, and several processes that train together."""
