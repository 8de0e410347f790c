"""Ray clusters: private ones on a machine or over a batch job, existing ones, their tokens, folders and ends."""
