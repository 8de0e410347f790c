"""What the weights of a split's samples add up to, as the manifest records it."""

from pathlib import Path

import numpy as np
from pydantic import Field

from bevatron.errors import UserError
from bevatron.store.records.record import Record


class WeightStatistics(Record):
    """The weights of one split's samples. Sums are made in float64, shard after shard."""

    sum: float = Field(description="sum of the weights")
    sum_of_squares: float = Field(description="sum of their squares")
    magnitude: float = Field(description="sum of their magnitudes; the sum itself where none is negative")
    minimum: float = Field(description="smallest")
    maximum: float = Field(description="largest")
    negative: int = Field(description="samples whose weight is negative", strict=True, ge=0)
    class_sums: dict[str, float] = Field(default={}, description="sum of the weights of each class's samples")
    class_magnitudes: dict[str, float] = Field(default={}, description="sum of the magnitudes of each class's weights")

    @property
    def effective(self) -> float:
        """The number of samples without weights that would fluctuate as much: (Σw)² / Σw²."""
        return self.sum**2 / self.sum_of_squares if self.sum_of_squares > 0 else 0.0


class WeightSums:
    """The weights of the shards of a split so far; classes: names in the order of their numbers, or none."""

    def __init__(self, classes: tuple[str, ...]):
        self.classes = classes
        self._sums = np.zeros(3)  # of weights, squares, magnitudes
        self._of_classes = np.zeros((2, len(classes)))  # of weights, of magnitudes
        self._minimum, self._maximum, self._negative = np.inf, -np.inf, 0

    def add(self, weights: np.ndarray, numbers: np.ndarray | None = None) -> None:
        """One shard's weights (n,), and its samples' class numbers (n,) where there are classes."""
        if len(weights) == 0:
            return
        w = weights.astype(np.float64)
        magnitudes = np.abs(w)
        self._sums += w.sum(), (w * w).sum(), magnitudes.sum()
        self._minimum, self._maximum = min(self._minimum, float(w.min())), max(self._maximum, float(w.max()))
        self._negative += int((w < 0).sum())
        if numbers is not None:
            of = numbers.astype(np.int64)
            self._of_classes += [np.bincount(of, v, len(self.classes)) for v in (w, magnitudes)]

    def result(self) -> WeightStatistics:
        """The statistics of all shards so far; 0 throughout where they hold no sample."""
        some = np.isfinite(self._minimum)
        sums, magnitudes = (dict(zip(self.classes, row.tolist(), strict=True)) for row in self._of_classes)
        total, squares, magnitude = self._sums.tolist()
        return WeightStatistics(
            sum=total,
            sum_of_squares=squares,
            magnitude=magnitude,
            minimum=self._minimum if some else 0.0,
            maximum=self._maximum if some else 0.0,
            negative=self._negative,
            class_sums=sums,
            class_magnitudes=magnitudes,
        )


def check_sums(weights: WeightStatistics, split: str, folder: Path) -> None:
    """Raises UserError where a split or one of its classes has no weight in all: no mean over it would exist.

    split: in words, "train split".
    """
    todo = "see the weight of the source's mapping, and the samples that it takes"
    if weights.sum <= 0:
        raise UserError(folder, f"the weights of the {split} add up to {weights.sum:g}, not above zero", todo)
    for name, total in weights.class_sums.items():
        if total <= 0:
            what = f"the weights of class '{name}' in the {split} add up to {total:g}, not above zero"
            raise UserError(folder, what, todo)
