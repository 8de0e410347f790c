"""What a job needs of the machine: processes, Ray, Slurm, several workers, devices, compiled code."""
