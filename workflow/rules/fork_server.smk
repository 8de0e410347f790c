# Where Snakemake runs the jobs itself, they start by a fork of a process that has imported everything once: a command of
# `bevatron` finds the server by an environment variable, and starts by itself where there is none.
from bevatron.fork_server.start import start_fork_server


onstart:
    if SETTINGS.fork_server != "off" and workflow.local_exec:
        start_fork_server()


if SETTINGS.fork_server == "on" and workflow.remote_exec:
    start_fork_server()  # in a batch job, whose Snakemake calls no `onstart`
