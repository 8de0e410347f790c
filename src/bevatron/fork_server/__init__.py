"""Jobs of a workflow on one machine start by a fork of a process that has imported everything.

The workflow calls `start`, which starts the process `server`. The server starts processes `template`, which import
everything and fork. `client` is what a `bevatron` command of the workflow does instead of its own imports.
"""
