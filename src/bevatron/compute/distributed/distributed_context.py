"""The workers that fit one model together: a process's place among them, and what they say to each other."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, distributed

Strategy = Literal["ddp", "fsdp"]


@dataclass(frozen=True)
class DistributedContext:
    """One of `size` workers, number `rank`, with the torch process group of all of them ready where there are several.

    strategy: 'ddp' keeps the whole model on every worker, 'fsdp' a part of it.
    device: where this worker computes; default: what `device_for` finds.
    stop_requested: whether the fit was asked from outside to save its state and end; asked of rank 0 between blocks.
    """

    rank: int = 0
    size: int = 1
    strategy: Strategy = "ddp"
    device: torch.device | None = None
    stop_requested: Callable[[], bool] = lambda: False

    @property
    def is_rank_zero(self) -> bool:
        """Whether this worker writes what is written once."""
        return self.rank == 0

    def all_reduce(self, values: Tensor) -> Tensor:
        """The sum of `values` over the workers, on each of them."""
        return self._reduce(values, distributed.ReduceOp.SUM)

    def any(self, *facts: bool, device: torch.device) -> list[bool]:
        """For each of the facts whether it holds on any worker."""
        flags = torch.tensor(facts, dtype=torch.int32, device=device)
        return self._reduce(flags, distributed.ReduceOp.MAX).bool().tolist()

    def broadcast(self, value: Any) -> Any:
        """Rank 0's value, on all workers: what files say must not depend on how soon a file system shows them."""
        if self.size == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values, src=0, device=self.device)
        return values[0]

    def all_gather(self, value: Any) -> list[Any]:
        """The values of all workers by their rank, on each of them."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value)
        return values

    def barrier(self) -> None:
        """Until all workers are here."""
        if self.size > 1:
            distributed.barrier()

    def _reduce(self, values: Tensor, operation: "distributed.ReduceOp.RedOpType") -> Tensor:
        if self.size == 1:
            return values
        values = values.clone()
        distributed.all_reduce(values, operation)
        return values


SINGLE_PROCESS = DistributedContext()
