"""Numbers that tell the events of a source apart, over all its shards."""

import numpy as np


def event_ids(shard: int, n: int) -> np.ndarray:
    """Those of the `n` events of a shard, (n,) uint64: the shard's number in the bits from the 40th on."""
    return (np.uint64(shard) << np.uint64(40)) | np.arange(n, dtype=np.uint64)
