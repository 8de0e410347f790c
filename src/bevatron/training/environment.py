"""On what a fit is made: recorded with its result, kept in its checkpoints and compared when it goes on."""

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from bevatron.compute.distributed.distributed_context import SINGLE_PROCESS, DistributedContext
from bevatron.compute.numerics.reproducibility import differences
from bevatron.compute.numerics.torch_compile import cpp_compiler
from bevatron.compute.process.machine import processor
from bevatron.versions import versions

PACKAGES = ("bevatron", "torch", "pytorch-lightning", "numpy")
SOLVERS = ("scikit-learn",)  # which only architectures that are solved use

log = logging.getLogger("bevatron")


@dataclass(frozen=True)
class TrainingEnvironment:
    """What the bits of a fit's result depend on beside its settings, data and reading order.

    device      name of the GPU, or 'cpu'; of workers with different ones each, joined by ' + '
    processor   model of the processor
    capability  vector instructions that torch uses on it, in torch's words: 'DEFAULT', 'AVX2', 'AVX512'
    threads     CPU threads of each worker
    workers     number of workers that fit together
    strategy    how they share the work; '' of one worker alone
    versions    of packages by name; on a GPU of CUDA and cuDNN too, of a compiled network that of the C++ compiler
    """

    device: str
    processor: str
    capability: str
    threads: int
    workers: int
    strategy: str
    versions: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def training_environment(
    threads: int,
    device: torch.device,
    context: DistributedContext = SINGLE_PROCESS,
    closed_form: bool = False,
    compiled: bool = False,
) -> TrainingEnvironment:
    """The environment of a fit on `device` that begins now; called by all workers. closed_form: without steps;
    compiled: by torch.compile, whose C++ compiler then belongs to it.
    """
    on_gpu, recorded = device.type == "cuda", (*PACKAGES, *(SOLVERS if closed_form else ()))
    packages = {name: version for name, version in versions().items() if name in recorded}
    packages["torch"] = str(torch.__version__)  # with the build, such as +cu126
    if on_gpu:
        packages |= {"cuda": str(torch.version.cuda), "cudnn": str(torch.backends.cudnn.version())}
    if compiled:
        packages["c++"] = cpp_compiler()
    mine = (
        torch.cuda.get_device_name(device) if on_gpu else "cpu",
        processor(),
        torch.backends.cpu.get_cpu_capability(),
    )
    kinds = sorted(set(context.all_gather(mine)))
    device_name, processor_name, capability = (" + ".join(dict.fromkeys(column)) for column in zip(*kinds, strict=True))
    return TrainingEnvironment(
        device=device_name,
        processor=processor_name,
        capability=capability,
        threads=threads,
        workers=context.size,
        strategy=context.strategy if context.size > 1 else "",
        versions=packages,
    )


class EnvironmentRecord(pl.Callback):
    """The environments of all lives of a fit, in their order, without repetitions; kept in the checkpoints."""

    def __init__(self, folder: Path, now: TrainingEnvironment, is_rank_zero: bool = True):
        self.folder, self.now, self.is_rank_zero = folder, now.as_dict(), is_rank_zero
        self.environments = [self.now]

    def state_dict(self) -> dict[str, Any]:
        """The environments, for a checkpoint."""
        return {"environments": self.environments}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over the environments of a checkpoint; a warning where this one may give other bits."""
        before = state_dict["environments"]
        self.environments = before if before[-1] == self.now else [*before, self.now]
        changed = differences(before[-1], self.now)
        if changed and self.is_rank_zero:
            log.warning(
                "%s: the fit was begun elsewhere than it goes on (%s): its result cannot be reproduced bit for bit",
                self.folder, ", ".join(changed),
            )  # fmt: skip
