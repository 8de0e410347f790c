"""Which device a fit uses, and the settings under which it gives the same bits every time."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch

from bevatron.errors import UserError

_CUBLAS = "CUBLAS_WORKSPACE_CONFIG"
_MEMORY: Any = torch.utils.deterministic  # its setting is a property that torch gives the module at import


def device_for(accelerator: str) -> torch.device:
    """The device of 'auto', 'cpu' or 'cuda'; 'auto' takes the first visible GPU, the CPU where there is none.

    In a Ray trial the visible GPUs are those the trial was given. Raises UserError for 'cuda' without a GPU.
    """
    if accelerator not in ("auto", "cpu", "cuda"):
        raise UserError("accelerator", f"found '{accelerator}'", "allowed: auto, cpu, cuda")
    if accelerator == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda", 0)
    if accelerator == "cuda":
        raise UserError("accelerator", "'cuda' was asked for and no GPU is visible", "set it to 'auto' or 'cpu'")
    return torch.device("cpu")


@contextlib.contextmanager
def deterministic(threads: int) -> Iterator[None]:
    """Within it, `threads` CPU threads and deterministic kernels alone; afterwards all is as before.

    The number of threads belongs to it because sums over threads depend on how they are cut. cuBLAS reads its
    workspace setting when its first handle is made: enter before the process first multiplies on a GPU.

    Numbers below 1e-38 are zero on the CPU, which takes tens of times as long over them: Adam's memory of gradients
    that have become zero, and the gradients of a GAN's beaten generator, are full of them.
    """
    before = (
        torch.get_num_threads(),
        torch.get_deterministic_debug_mode(),
        _MEMORY.fill_uninitialized_memory,
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
        os.environ.get(_CUBLAS),
    )
    os.environ.setdefault(_CUBLAS, ":4096:8")
    torch.set_flush_denormal(True)  # before the threads start, which inherit it
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("error")  # as use_deterministic_algorithms, which imports the compiler: 1.3 s
    _MEMORY.fill_uninitialized_memory = False  # it costs time and finds only programming errors
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(before[0])
        torch.set_deterministic_debug_mode(before[1])
        _MEMORY.fill_uninitialized_memory = before[2]
        torch.backends.cudnn.deterministic = before[3]
        torch.backends.cudnn.benchmark = before[4]
        if before[5] is None:
            os.environ.pop(_CUBLAS, None)
