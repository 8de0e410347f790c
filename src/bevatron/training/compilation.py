"""`training.compile`: the network's forward and backward passes are compiled (torch.compile, Inductor).

The published files have the same format as those of any other fit, with the same names of weights. The numbers differ
in their last digits, because compiled code fuses sums. The setting is therefore part of a run's identity. If a network
cannot be compiled, this is an error, and the fit is not made without compilation.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.compute.numerics.torch_compile import OPTIONS, compiling, cpp_compiler
from bevatron.errors import UserError
from bevatron.training.job import FitJob

if TYPE_CHECKING:
    from bevatron.models.network import Network

LEAVE_OUT = "leave training.compile out"
BY_DATA = ("faster_rcnn", "sparse_unet")  # architectures whose forward pass depends on the values of their inputs


@contextlib.contextmanager
def compiled_network(job: FitJob, network: Network, context: DistributedContext) -> Iterator[None]:
    """A context in which the network uses compiled code, if the job asks for it.

    Raises UserError if this is not possible: without a compiler, with several workers, or for networks whose batches
    have many shapes, each of which would be compiled separately.
    """
    if not job.model.training.compile:
        yield
        return
    check_compile(job, network, context)
    from torch._dynamo.exc import FailOnRecompileLimitHit, TorchDynamoException

    with compiling():
        network.compile(dynamic=False, options=OPTIONS)
        try:
            yield
        except (TorchDynamoException, FailOnRecompileLimitHit) as error:
            what = f"torch could not compile the network: {(str(error).splitlines() or [''])[0]}"
            raise UserError(_where(job), what, LEAVE_OUT) from error


def check_compile(job: FitJob, network: Network, context: DistributedContext) -> None:
    """Raises UserError if the job's network cannot be compiled on this machine."""
    kind = job.model.architecture.kind
    if ragged := [name for name, group in network.spec.inputs.items() if group.is_ragged]:
        what = f"the input group '{ragged[0]}' is a list, whose lengths differ from batch to batch"
        raise UserError(_where(job), what, LEAVE_OUT)
    if network.spec.kinds & set(BY_DATA):
        raise UserError(_where(job), f"what '{kind}' computes depends on what it finds in an image", LEAVE_OUT)
    if job.class_subset is not None:
        what = "a class subset leaves batches of ever other sizes, each of which would be compiled"
        raise UserError(_where(job), what, LEAVE_OUT)
    if context.size > 1:
        raise UserError(_where(job), f"is for one worker, not {context.size}", f"ask for one worker, or {LEAVE_OUT}")
    if not cpp_compiler():
        raise UserError(_where(job), "needs a C++ compiler, and none was found", f"install g++, or {LEAVE_OUT}")


def _where(job: FitJob) -> str:
    return f"training.compile of {job.model.title}"
