"""What the small files of a data set hold, and so what a study must find in them."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

SPLITS = ("train", "val", "test")


@dataclass
class Truth:
    """counts: by split, the samples of each class in the study's order; empty: the study divides by a hash of the id.
    totals: the samples of each class in all splits. content: what was written, by a name for each file.
    """

    counts: dict[str, list[int]]
    content: dict[str, Any] = field(default_factory=dict)
    totals: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.totals = self.totals or np.sum(list(self.counts.values()), axis=0).tolist()
