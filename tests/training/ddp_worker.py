"""One of several workers, as a process: python ddp_worker.py JOB.json RANK SIZE PORT STRATEGY [KILL_AFTER]."""

import json
import os
import signal
import sys
import warnings
from pathlib import Path

from torch import distributed

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.training.fit import fit
from bevatron.training.job import FitJob


def main(job_file: str, rank: int, size: int, port: str, strategy: str, kill_after: int = 0) -> None:
    given = json.loads(Path(job_file).read_text(encoding="utf-8"))
    job = FitJob.from_payload(given)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port, RANK=str(rank), WORLD_SIZE=str(size))
    distributed.init_process_group("gloo", rank=rank, world_size=size)
    rounds = 0

    def count(row: dict) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == kill_after and rank == size - 1:
            os.kill(os.getpid(), signal.SIGKILL)

    fit(job, count, context=DistributedContext(rank, size, strategy))
    distributed.destroy_process_group()


if __name__ == "__main__":
    warnings.simplefilter("error")
    for category in (DeprecationWarning, FutureWarning, UserWarning):  # of libraries, in processes of their own
        warnings.simplefilter("ignore", category)
    name, rank, size, port, strategy, *rest = sys.argv[1:]
    main(name, int(rank), int(size), port, strategy, *map(int, rest))
