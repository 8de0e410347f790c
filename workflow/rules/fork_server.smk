# Where Snakemake runs the jobs itself, they start by a fork of a process that has imported everything once: a command of
# `bevatron` finds the server by an environment variable, and starts by itself where there is none.
from bevatron.fork_server.benchmark_files import count_forked_jobs
from bevatron.fork_server.start import start_fork_server
from bevatron.watch.workflow_record import write_workflow_record


def use_fork_server():
    server = start_fork_server()
    if server is not None:
        count_forked_jobs(server / "jobs")


onstart:
    # For `bevatron watch`.
    write_workflow_record(SCALE, list(FACTS), log[0] if log else None, workflow.dag_settings.targets)
    if SETTINGS.fork_server != "off" and workflow.local_exec:
        use_fork_server()


if SETTINGS.fork_server == "on" and workflow.remote_exec:
    use_fork_server()  # in a batch job, whose Snakemake calls no `onstart`
