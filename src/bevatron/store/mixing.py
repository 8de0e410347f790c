"""The mixer of SplitMix64: a number's bits scattered over all 64, one to one."""

import numpy as np

GOLDEN_GAMMA = np.uint64(0x9E3779B97F4A7C15)  # SplitMix64 adds it before it mixes


def mix(numbers: np.ndarray) -> np.ndarray:
    """The mixer of SplitMix64 (Steele, Lea, Flood 2014); products wrap around, as they should."""
    mixed = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
