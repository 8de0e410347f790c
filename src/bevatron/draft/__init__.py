"""`bevatron draft`: a study file for somebody's files, or for a configuration of weaver."""
