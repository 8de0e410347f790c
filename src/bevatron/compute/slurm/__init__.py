"""What a batch system gives and is asked for: allocations, time limits, resources of jobs, the site's file."""
