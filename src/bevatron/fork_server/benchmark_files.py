"""Snakemake's benchmark files count a job's process and its children, and a forked job is none of them."""

from pathlib import Path
from typing import Any

import psutil


def count_forked_jobs(jobs: Path) -> None:
    """From now on, this Snakemake's benchmarks count with each process the one that `jobs` says works for it.

    Snakemake offers no way to name further processes, so its timer is given a process that has one child more. Where
    that class has changed, benchmarks count the waiting client only, and nothing else happens.
    """
    from snakemake import benchmark

    timer = getattr(benchmark, "BenchmarkTimer", None)
    if timer is None:
        return

    class TimerOfForkedJobs(timer):
        def __init__(self, pid: int, *arguments: Any, **options: Any):
            super().__init__(pid, *arguments, **options)
            if isinstance(getattr(self, "main", None), psutil.Process):
                self.main = _Client(pid, jobs)

    benchmark.BenchmarkTimer = TimerOfForkedJobs


class _Client(psutil.Process):
    """A process whose children are its own and the job that is done for it."""

    def __init__(self, pid: int, jobs: Path):
        super().__init__(pid)
        self._path = jobs / str(pid)

    def children(self, recursive: bool = False) -> list[psutil.Process]:
        found = super().children(recursive=recursive)
        try:
            job = psutil.Process(int(self._path.read_text(encoding="utf-8")))
            return [*found, job, *(job.children(recursive=True) if recursive else [])]
        except (OSError, ValueError, psutil.Error):
            return found
