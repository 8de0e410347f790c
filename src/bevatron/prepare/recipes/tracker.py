"""The recipe `tracker`: the layers of a tracker as one image, stacked, projected on each other, and shuffled."""

import numpy as np

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.store.shards.columns import Group, Samples, SparseImages


@recipe("tracker")
class TrackerImages:
    """Input groups `stack` (n, layers, size, size), a channel for each layer in their order; `sum` (n, 1, size, size),
    the number of layers hit in each pixel, all layers projected on one plane; `shuffled` (n, layers, size, size), the
    stack with its layers in another random order in each sample; and `likelihood` as it is. Target `class`.
    """

    VERSION = 1

    class Options(kinds.Options):
        pass

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `tracker`; the order of the layers in `shuffled` follows from `seed`."""
        hits = raw.inputs["hits"]
        column, n = hits.column, len(raw)
        if not isinstance(column, SparseImages):
            raise TypeError(f"the input group 'hits' is {type(column).__name__}, expected sparse images")
        layers, height, width = column.shape
        event = np.repeat(np.arange(n), np.diff(column.offsets))
        layer, pixel = np.divmod(column.index.astype(np.int64), height * width)
        orders = np.random.Generator(np.random.Philox(seed)).permuted(np.tile(np.arange(layers), (n, 1)), axis=1)
        inputs = {
            "stack": hits,
            "sum": Group(_sparse_images(event, pixel, n, (1, height, width)), ("hits",), ("",)),
            "shuffled": Group(
                _sparse_images(event, orders[event, layer] * height * width + pixel, n, column.shape),
                tuple(f"channel_{k + 1}" for k in range(layers)),
                hits.units,
            ),
            "likelihood": raw.inputs["likelihood"],
        }
        return Samples(inputs, raw.targets, raw.id)


def _sparse_images(event: np.ndarray, index: np.ndarray, n: int, shape: tuple[int, int, int]) -> SparseImages:
    """Images whose pixels hold how often each occurs."""
    size = int(np.prod(shape))
    cells, counts = np.unique(event * size + index, return_counts=True)
    offsets = np.searchsorted(cells, np.arange(n + 1) * size).astype(np.int64)
    return SparseImages((cells % size).astype(np.int32), counts.astype(np.float32), offsets, shape)
