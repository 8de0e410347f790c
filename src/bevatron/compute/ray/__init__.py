"""Ray clusters: private ones on one machine or over a batch job, existing ones, their tokens and their shutdown."""
