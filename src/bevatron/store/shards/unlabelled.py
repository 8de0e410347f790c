"""Rows of somebody's file as networks read them, with no truth beside them."""

from dataclasses import dataclass

import numpy as np

from bevatron.store.shards.columns import Samples


@dataclass(frozen=True)
class UnlabelledRows:
    """n rows of a file, one after another: passed (n,) bool says which pass the selection, `samples` are those that do,
    in their order, with inputs and ids alone; columns (n,) by name are carried along, of all rows; event (n,) uint64 is
    the number of each row's event, None where there are no numbers.
    """

    passed: np.ndarray
    samples: Samples
    columns: dict[str, np.ndarray]
    event: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.passed)
