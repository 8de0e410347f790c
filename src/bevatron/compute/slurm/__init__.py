"""The batch system: allocations, time limits, resources of jobs, the file of the site."""
