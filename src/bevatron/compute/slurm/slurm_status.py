"""Jobs of which Slurm tells nothing for a while, because its controller or its database is away."""

from collections.abc import AsyncIterator, Callable
from typing import Any


def keep_untold_jobs() -> None:
    """Make Snakemake's Slurm plugin ask again for the jobs of which a round of questions has told it nothing.

    The plugin asks up to five times for all its jobs. Where nobody answers, it neither reports the jobs nor hands them
    back (seen in 2.8.0), and Snakemake waits for ever for jobs that have ended long ago. Called by profiles/cluster.
    """
    import snakemake_executor_plugin_slurm

    executor: Any = snakemake_executor_plugin_slurm.Executor  # untyped here: its methods are replaced
    ask = executor.check_active_jobs
    if hasattr(ask, "keeps_untold_jobs"):
        return

    async def check_all_jobs(self: Any, active_jobs: list[Any]) -> AsyncIterator[Any]:
        reported = set()
        async for job in ask(self, active_jobs):
            reported.add(job.external_jobid)
            yield job
        for job in active_jobs:
            if job.external_jobid not in reported | _ended_jobs(self):
                yield job

    executor.check_active_jobs = check_all_jobs
    executor.check_active_jobs.keeps_untold_jobs = True
    executor.report_job_success = _record_end(executor.report_job_success)
    executor.report_job_error = _record_end(executor.report_job_error)


def _record_end(report: Callable[..., None]) -> Callable[..., None]:
    """A method that reports a job's end and notes that it did."""

    def record_end(self: Any, job: Any, *arguments: Any, **options: Any) -> None:
        _ended_jobs(self).add(job.external_jobid)
        report(self, job, *arguments, **options)

    return record_end


def _ended_jobs(executor: Any) -> set[str]:
    """Ids of the batch jobs whose end was reported."""
    return executor.__dict__.setdefault("_bevatron_told", set())
