"""The columns of raw samples, by the layout that a recipe expects of them."""

import numpy as np

from bevatron.store.shards.columns import Ragged, Samples, SparseImages


def values_of(samples: Samples, group: str) -> np.ndarray:
    """The values of a dense column (n, ...), or of a ragged one (total, n_features). Raises TypeError for another."""
    column = samples.inputs[group].column
    if isinstance(column, SparseImages):
        raise TypeError(f"the input group '{group}' holds sparse images, expected a dense or ragged column")
    return column.values


def ragged(samples: Samples, group: str) -> Ragged:
    """The lists of an input group. Raises TypeError for another layout."""
    column = samples.inputs[group].column
    if not isinstance(column, Ragged):
        raise TypeError(f"the input group '{group}' is {type(column).__name__}, expected a ragged column")
    return column
