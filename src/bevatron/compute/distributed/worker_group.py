"""The workers beside a search's trial that fit its model together with it.

A trial that asks for several workers holds a placement group of as many bundles. Its own process is worker 0; the
others are actors in the same group. Process and actors serve one trial after another, so that starting them, which
takes far longer than a small fit, is paid once. (A TorchTrainer inside a trial starts its workers again each time.)
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import ray
import torch
from ray.exceptions import RayActorError, RayTaskError
from ray.util import get_node_ip_address
from torch import distributed

from bevatron.compute.distributed.distributed_context import DistributedContext, Strategy
from bevatron.compute.ray.ports import free_port

Report = Callable[[dict[str, Any]], None]
Work = Callable[[dict[str, Any], DistributedContext, Report], Any]

TIMEOUT = timedelta(minutes=30)
REASON_SECONDS = 10.0


class Stopped(Exception):
    """Worker 0 was told to stop, and so all stop."""


class WorkerGroup:
    """Workers 1 to size - 1, as actors in the placement group of the trial whose process makes this object."""

    def __init__(self, size: int, cpus: float, gpus: float, strategy: Strategy):
        self.size, self._gpus = size, gpus
        self.strategy: Strategy = strategy
        actor = ray.remote(num_cpus=cpus, num_gpus=gpus)(_Worker)
        self._actors: list[Any] = [actor.remote() for _ in range(size - 1)]

    def run(self, work: Work, payload: dict[str, Any], report: Report) -> Any:
        """Call `work(payload, context, report)` in all workers; what worker 0's call returns.

        The report of worker 0 is `report`; an exception it raises stops all workers and passes through, as does
        what the work raises. Afterwards the group is ready for the next call, unless a worker died or hangs: then it
        is ended, and `alive` is False.
        """
        address = f"tcp://{get_node_ip_address()}:{free_port('')}"
        running = [
            actor.run.remote(work, payload, rank, self.size, self.strategy, address)
            for rank, actor in enumerate(self._actors, start=1)
        ]
        try:
            result = _join_work(work, payload, 0, self.size, self.strategy, address, report)
        except BaseException as error:
            reason = self._reason(running)
            if reason is not None and isinstance(error, RuntimeError):  # ours only says that a worker is gone
                raise reason from None
            raise
        ray.get(running)
        return result

    @property
    def alive(self) -> bool:
        """Whether the group is ready for another call."""
        return bool(self._actors)

    def end(self) -> None:
        """Kill the workers."""
        for actor in self._actors:
            with suppress(Exception):
                ray.kill(actor)
        self._actors = []

    def _reason(self, running: list[Any]) -> Exception | None:
        """Why a worker failed, if one did; ends workers that died or do not come to an end."""
        ended, hanging = ray.wait(running, num_returns=len(running), timeout=REASON_SECONDS)
        reason = None
        for reference in ended:
            try:
                ray.get(reference)
            except RayTaskError as error:
                reason = reason or error.cause
            except RayActorError as error:
                reason, hanging = error, [*hanging, reference]
        if hanging:
            self.end()
        return reason


class _Worker:
    """An actor that takes part in one call after another."""

    def run(self, work: Work, payload: dict[str, Any], rank: int, size: int, strategy: Strategy, address: str) -> None:
        with suppress(Stopped):
            _join_work(work, payload, rank, size, strategy, address, None)


def _join_work(
    work: Work, payload: dict[str, Any], rank: int, size: int, strategy: Strategy, address: str, report: Report | None
) -> Any:
    backend = "nccl" if torch.cuda.is_available() and payload.get("accelerator") != "cpu" else "gloo"
    distributed.init_process_group(backend, init_method=address, rank=rank, world_size=size, timeout=TIMEOUT)
    try:
        device = torch.device("cuda", 0) if backend == "nccl" else None
        if device is not None:
            torch.cuda.set_device(device)
        context = DistributedContext(rank, size, strategy, device)
        return work(payload, context, _share_report(report, context))
    finally:
        distributed.destroy_process_group()


def _share_report(report: Report | None, context: DistributedContext) -> Report:
    """A report that all workers call at the same point, so that all stop there when worker 0 is told to."""

    def report_other_ranks(row: dict[str, Any]) -> None:
        if context.broadcast(None):
            raise Stopped

    if report is None:
        return report_other_ranks

    def report_rank_zero(row: dict[str, Any]) -> None:
        try:
            report(row)
        except BaseException:
            context.broadcast(True)
            raise
        context.broadcast(False)

    return report_rank_zero
