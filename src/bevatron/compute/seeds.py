"""One seed for every random number generator of a process."""

import random

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed Python's, numpy's and torch's global generators, on all devices; `seed` is 0 or more.

    Code of ours draws from generators of its own; this is for libraries that draw from the global ones.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (the global generator is what is meant)
    torch.manual_seed(seed % 2**63)
