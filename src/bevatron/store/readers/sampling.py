"""Which samples of a split a fit uses, and how an epoch presents them; see `order` for the orders themselves."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bevatron.store.readers.order import arrange_rows, balanced_length, balanced_order, generator, order_of

SampleOrder = Literal["shuffled", "sorted", "alternating"]


@dataclass(frozen=True)
class Sampling:
    """The plain one takes every sample of the split once an epoch, shuffled.

    classes       target that holds the class numbers, which all but `samples` need
    balanced      every class comes as often as the largest, rarer samples several times
    sample_order  'sorted': class after class; 'alternating': a sample of each class in turn, while it has any left;
                  within a class the order is shuffled again each epoch
    class_ratio   by class number the relative number of samples to use, the same samples in every epoch; classes
                  that are not named are left out
    samples       only this many samples are used, the same in every epoch; the classes' fractions stay
    """

    classes: str | None = None
    balanced: bool = False
    sample_order: SampleOrder = "shuffled"
    class_ratio: tuple[tuple[int, float], ...] | None = None
    samples: int | None = None

    @property
    def words(self) -> list[str]:
        """What is not plain in it, as a user writes it."""
        settings = ["training.balance 'batches'"] if self.balanced else []
        settings += [f"training.sample_order '{self.sample_order}'"] if self.sample_order != "shuffled" else []
        settings += ["training.class_ratio"] if self.class_ratio is not None else []
        return settings + (["training.samples"] if self.samples is not None else [])

    def length(self, n: int, numbers: np.ndarray | None) -> int:
        """Samples in an epoch of a split of n, whose class numbers are `numbers` (n,); the same for every seed."""
        if not self._is_subset:
            return balanced_length(_require_classes(numbers)) if self.balanced else n
        if numbers is None:
            return n if self.samples is None else min(n, self.samples)
        counts = list(quotas(self._counts(numbers), self._class_fractions, self.samples).values())
        return sum(map(bool, counts)) * max(counts) if self.balanced else sum(counts)

    def rows(self, n: int, numbers: np.ndarray | None, seed: int, epoch: int, shuffle: bool) -> np.ndarray:
        """The rows of an epoch in the order in which they come, (length,) int64; unshuffled in that of the files."""
        used = self._select_rows(n, numbers, seed)
        if not shuffle:
            return used
        if self.balanced:
            order = used[balanced_order(_require_classes(numbers)[used], seed, epoch)]
        else:
            order = used[order_of(len(used), seed, epoch)]
        if self.sample_order == "shuffled":
            return order
        return arrange_rows(order, _require_classes(numbers)[order], self.sample_order)

    @property
    def _is_subset(self) -> bool:
        return self.class_ratio is not None or self.samples is not None

    @property
    def _class_fractions(self) -> dict[int, float] | None:
        return None if self.class_ratio is None else dict(self.class_ratio)

    @staticmethod
    def _counts(numbers: np.ndarray) -> dict[int, int]:
        return {int(label): int(n) for label, n in zip(*np.unique(numbers, return_counts=True), strict=True)}

    def _select_rows(self, n: int, numbers: np.ndarray | None, seed: int) -> np.ndarray:
        """The rows that the fit uses at all, rising."""
        if not self._is_subset:
            return np.arange(n)
        if numbers is None:
            return np.sort(generator(seed, "chosen").permutation(n)[: self.samples])
        selected = [
            generator(seed, "chosen", label).permutation(np.flatnonzero(numbers == label))[:count]
            for label, count in quotas(self._counts(numbers), self._class_fractions, self.samples).items()
        ]
        return np.sort(np.concatenate(selected))


PLAIN = Sampling()


def _require_classes(numbers: np.ndarray | None) -> np.ndarray:
    if numbers is None:
        raise ValueError("batches balanced or ordered by class need the target of the class numbers")
    return numbers


def quotas(counts: dict[int, int], fractions: dict[int, float] | None, samples: int | None) -> dict[int, int]:
    """How many samples of each class are used, by class number.

    As many as there are of each class in `counts` while they stand in the ratio of `fractions` (default: that of the
    counts), and `samples` together at most; the parts that are left over by rounding go to the largest remainders. A
    class with a fraction has one sample at least.
    """
    fractions = (
        dict(counts)
        if fractions is None
        else {label: fraction for label, fraction in fractions.items() if label in counts}
    )
    factor = min(counts[label] / fraction for label, fraction in fractions.items())
    if samples is not None:
        factor = min(factor, samples / sum(fractions.values()))
    exact = {label: factor * fraction for label, fraction in fractions.items()}
    counts_used = {label: int(part + 1e-9) for label, part in exact.items()}
    left = int(sum(exact.values()) + 1e-9) - sum(counts_used.values())
    for label in sorted(exact, key=lambda label: counts_used[label] - exact[label])[:left]:
        counts_used[label] += 1
    return {label: max(1, counts_used[label]) if label in counts_used else 0 for label in counts}
