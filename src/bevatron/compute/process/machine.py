"""The machine in words, without its name."""

import os
import platform
from pathlib import Path


def machine() -> str:
    """Cores, processor and accelerator: '2 cores of AMD EPYC, no GPU'."""
    from bevatron.compute.numerics.devices import device_for

    device = device_for("auto")
    if device.type != "cuda":
        return f"{os.cpu_count()} cores of {processor()}, no GPU"
    import torch

    return f"{os.cpu_count()} cores of {processor()}, {torch.cuda.get_device_name(device)}"


def processor() -> str:
    """The model of the processor, as the system names it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or "an unknown processor"
