"""Seeding what a step of a fit draws from."""

from functools import cache
from typing import Any

import numpy as np
import torch

TWISTER_STATE = slice(24, 24 + 624 * 8)  # bytes of the Mersenne Twister in the state of torch's generator of the CPU


def seed_generators(device: torch.device, seed: int, step: int) -> None:
    """Seed torch's generators of the CPU and of the device for one step of a fit. Both numbers are 0 or more and below
    2⁶³, and another pair draws other numbers.

    CUDA's generator (Philox) takes seed + step, 63 bits: the steps of two seeds meet only where the seeds are closer
    than the fit is long, which of ten thousand seeds and 10⁷ steps happens once in ten thousand times. The CPU's takes
    no more than 32 bits of a seed, among which the steps of a few hundred workers do meet. So its whole state is set,
    to numbers that follow from all bits of both: Philox again, with (seed, step) as its key. It costs about 10 µs.
    """
    torch.default_generator.set_state(_state_of(seed, step))
    if device.type == "cuda":
        torch.cuda.default_generators[device.index or 0].manual_seed((seed + step) % 2**63)


def _state_of(seed: int, step: int) -> torch.Tensor:
    """The state of torch's generator of the CPU before its first number."""
    philox, start = _philox()
    start["state"]["key"][:] = seed, step
    philox.state = start
    numbers = philox.random_raw(312).view(np.uint32)
    numbers[0] |= 0x80000000  # so that they are not all zero, from which the generator never comes back
    state = _initial_state().copy()
    state[TWISTER_STATE] = numbers.astype(np.uint64).view(np.uint8)
    return torch.from_numpy(state)


@cache
def _philox() -> tuple[np.random.Philox, Any]:
    """A generator and its state at the start, whose key is to be set: making one again costs more than all the rest."""
    philox = np.random.Philox(key=0)
    return philox, philox.state


@cache
def _initial_state() -> np.ndarray:
    return torch.Generator().manual_seed(0).get_state().numpy()
