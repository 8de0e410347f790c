"""Seeding what a step of a fit draws from."""

import torch


def seed_generators(device: torch.device, seed: int) -> None:
    """Seed torch's generators of the CPU and of the device; `seed` is 0 or more. They draw what they would after
    `torch.manual_seed`, which seeds those of all kinds of devices, and where these are not there writes the whole stack
    down three times, in case they come: a millisecond, in a step of two."""
    torch.default_generator.manual_seed(seed % 2**63)
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed(seed % 2**63)
