"""Workers of several, forked by one process that has imported everything: python ddp_worker.py.

Each line of its input is a request as JSON: the job's file, how many workers, the port, the strategy, after how many
validations the last worker is killed (0: never), and a file for each worker's errors. The answer is a line with the
workers' exit codes, once all have ended.
"""

import json
import os
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import NoReturn

from torch import distributed

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.fork_server.preloaded import IMPORTED_NEXT, import_all
from bevatron.training.fit import fit
from bevatron.training.job import FitJob

SECONDS = 120  # that the workers of one request have


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


def start(rank: int, request: dict) -> int:
    """The process id of a new worker."""
    sys.stdout.flush()
    return os.fork() or work(rank, request)


def work(rank: int, request: dict) -> NoReturn:
    """Be the worker, and end with 0 or 1; too slow a worker ends by SIGALRM."""
    os.dup2(os.open(request["errors"][rank], os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    os.dup2(2, 1)
    code = 1
    try:
        signal.alarm(SECONDS)
        warnings.simplefilter("error")
        for category in (DeprecationWarning, FutureWarning, UserWarning):  # of libraries
            warnings.simplefilter("ignore", category)
        main(request["job"], rank, request["size"], request["port"], request["strategy"], request["kill_after"])
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    for _ in import_all((*IMPORTED_NEXT, "torch.distributed.fsdp")):
        pass
    for line in sys.stdin:
        given = json.loads(line)
        workers = [start(rank, given) for rank in range(given["size"])]
        print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers]), flush=True)
