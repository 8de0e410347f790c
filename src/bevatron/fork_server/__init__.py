"""Jobs of a workflow on one machine start by a fork of a process that has imported everything.

`start` is called by the workflow, `server` is the process that it starts, `template` are the processes that have
imported everything and fork, and `client` is what a `bevatron` command of the workflow does in place of its own imports.
"""
