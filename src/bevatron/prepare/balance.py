"""Classes of one spectrum: how many samples there are in each bin, and what that makes of a sample."""

import logging
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from bevatron.config.sections.balance import FLAT, RAREST, Balance
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.raw.split import uniform
from bevatron.store.shards.columns import Dense, Samples

logger = logging.getLogger("bevatron")

KEY = "dataset.balance"
MOST_CLIPS = 1000


@dataclass(frozen=True)
class Cells:
    """Into which the training split is counted: (classes, bins)."""

    balance: Balance
    classes: tuple[str, ...]  # ("all",) of a task without classes
    target: str | None

    @classmethod
    def of(cls, study: DataPart) -> "Cells":
        """Those of the study. Raises UserError where `to` names no class."""
        balance = study.dataset.balance
        if balance is None:
            raise ValueError("the study balances nothing")
        classes = tuple(getattr(study.task, "classes", ()))
        if not classes and balance.to != FLAT:
            raise UserError(f"{study.name}: {KEY}.to", f"is '{balance.to}', and the task has no classes", "set flat")
        if balance.to not in (FLAT, RAREST, *classes):
            known = ", ".join((RAREST, FLAT, *classes))
            raise UserError(f"{study.name}: {KEY}.to", f"'{balance.to}' is no class of the task", f"known: {known}")
        target = (balance.target or study.task.target) if classes else None
        return cls(balance, classes or ("all",), target)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of classes and of bins."""
        return len(self.classes), prod(len(borders) + 1 for borders in self.balance.bins.values())

    def of_samples(self, samples: Samples) -> np.ndarray:
        """The cell of each sample, (n,) int64: class times the number of bins, and the bin.

        Raises UserError for a variable or a target that the samples do not have.
        """
        number = np.zeros(len(samples), np.int64)
        if self.target is not None:
            if self.target not in samples.targets:
                known = ", ".join(samples.targets)
                raise UserError(f"{KEY}.target", f"the samples have no target '{self.target}'", f"known: {known}")
            number = samples.targets[self.target].astype(np.int64)
            if number.ndim != 1 or ((number < 0) | (number >= len(self.classes))).any():
                what = f"'{self.target}' holds more than the numbers 0 to {len(self.classes) - 1} of the classes"
                raise UserError(f"{KEY}.target", what, "name a target of classes, the task's")
        for name, borders in self.balance.bins.items():
            number = number * (len(borders) + 1) + np.digitize(_variable(samples, name), borders)
        return number

    def add_up(self, samples: Samples) -> np.ndarray:
        """Sums of weights of the samples (1 each without weights), and how many they are: (2, classes, bins)."""
        cells, size = self.of_samples(samples), prod(self.shape)
        weight = np.ones(len(samples)) if samples.weight is None else samples.weight.astype(np.float64)
        sums = np.bincount(cells, weight, size), np.bincount(cells, minlength=size)
        return np.stack(sums).reshape(2, *self.shape)

    def factors(self, totals: np.ndarray) -> np.ndarray:
        """What a sample of each cell is kept with (a probability) or weighted with, (classes, bins).

        totals: sums of `add_up` over all shards. Raises UserError for a class without samples, for a cell whose
        weights do not sum to more than 0, and where nothing is left.
        """
        sums, counts = totals
        for label, count in zip(self.classes, counts.sum(axis=1), strict=True):
            if count == 0:
                raise UserError(KEY, f"the training split has no sample of the class '{label}'", "read more files")
        self._check_sums(sums, counts)
        filled = np.maximum(sums, 0.0)
        if self.balance.to == FLAT:
            wanted = np.ones_like(filled)
        elif self.balance.to == RAREST:
            wanted = np.broadcast_to(filled.min(axis=0), filled.shape)
        else:
            wanted = np.broadcast_to(filled[self.classes.index(self.balance.to)], filled.shape)
        ratio = np.divide(wanted, filled, out=np.zeros_like(filled), where=filled > 0.0)
        return self._probabilities(filled, ratio) if self.balance.method == "resample" else self._weights(filled, ratio)

    def _check_sums(self, sums: np.ndarray, counts: np.ndarray) -> None:
        bad = (counts > 0) & (sums <= 0.0)
        if bad.any():
            label, cell = np.argwhere(bad)[0]
            what = f"the weights of class '{self.classes[label]}' sum to {sums[label, cell]:.3g} in {self._name(cell)}"
            raise UserError(KEY, what, "make this bin wider")

    def _probabilities(self, filled: np.ndarray, ratio: np.ndarray) -> np.ndarray:
        """All bins that each class has samples in; none of the probabilities is above 1."""
        ratio = np.where((filled > 0.0).all(axis=0), ratio, 0.0)
        largest = ratio.max()
        if largest <= 0.0:
            what = f"no bin has samples of each class: {', '.join(self.classes)}"
            raise UserError(KEY, what, "choose wider bins, or reweight")
        return ratio if self.balance.to == RAREST else ratio / largest

    def _weights(self, filled: np.ndarray, ratio: np.ndarray) -> np.ndarray:
        """Equal sums of all classes, a mean of 1, and none above `largest` times the mean of its class."""
        if (ratio <= 0.0).all(axis=1).any():
            label = self.classes[int((ratio <= 0.0).all(axis=1).argmax())]
            raise UserError(KEY, f"class '{label}' has no sample where '{self.balance.to}' has", "choose wider bins")
        counted = (filled * (ratio > 0.0)).sum(axis=1, keepdims=True)  # not what has no weight at all
        for _ in range(MOST_CLIPS):  # each lowers the mean, and with it the limit
            limit = self.balance.largest * (filled * ratio).sum(axis=1, keepdims=True) / counted
            if (ratio <= limit * (1 + 1e-9)).all():
                break
            ratio = np.minimum(ratio, limit)
        sums = (filled * ratio).sum(axis=1, keepdims=True)
        return ratio * filled.sum() / (len(filled) * sums)

    def left_out(self, totals: np.ndarray) -> str:
        """In which bins a class has no sample although others have, in words; empty if there are none.

        Resampling leaves these bins out; with weights, the spectrum of the class stays another there.
        """
        there = totals[0] > 0.0
        lacking = there.any(axis=0) & ~there
        return ", ".join(f"{label} {n:.0f}" for label, n in zip(self.classes, lacking.sum(axis=1), strict=True) if n)

    def _name(self, cell: int) -> str:
        if not self.balance.bins:
            return "all samples"
        lengths = [len(borders) + 1 for borders in self.balance.bins.values()]
        numbers = np.unravel_index(cell, lengths)
        return " and ".join(f"bin {number} of {name}" for number, name in zip(numbers, self.balance.bins, strict=True))

    def kept(self, totals: np.ndarray, factors: np.ndarray) -> str:
        """For the log: how much of the training split is left, by class."""
        counts = totals[1]
        left = (counts * factors).sum(axis=1) if self.balance.method == "resample" else counts.sum(axis=1)
        parts = [
            f"{label} {n:.0f} of {total:.0f}"
            for label, n, total in zip(self.classes, left, counts.sum(axis=1), strict=True)
        ]
        return ", ".join(parts)


def balanced(
    cells: Cells, factors: np.ndarray, samples: Samples, rows: dict[str, np.ndarray], seed: int
) -> tuple[Samples, dict[str, np.ndarray]]:
    """The samples with their weights, and the rows of each split that are kept.

    Whether one is kept follows from its id and `seed`, not from the shard that it is in.
    """
    factor = factors.reshape(-1)[cells.of_samples(samples)]
    mine = cells.balance.splits
    if cells.balance.method == "resample":
        kept = uniform(samples.id ^ np.uint64(seed)) < factor
        return samples, {name: some[kept[some]] if name in mine else some for name, some in rows.items()}
    weight = np.ones(len(samples), np.float32) if samples.weight is None else samples.weight.copy()
    chosen = np.concatenate([rows[name] for name in mine])
    weight[chosen] = (weight[chosen] * factor[chosen]).astype(weight.dtype)
    return replace(samples, weight=weight), rows


def _variable(samples: Samples, name: str) -> np.ndarray:
    """The values of a variable, (n,) float64."""
    if name in samples.observers:
        values = samples.observers[name].astype(np.float64)
        if not np.isfinite(values).all():
            raise UserError(f"{KEY}.bins.{name}", f"the observer '{name}' is not finite in some samples", "select them")
        return values
    numbers = {
        f"{group}.{feature}": (group, k)
        for group, entry in samples.inputs.items()
        if isinstance(entry.column, Dense) and entry.column.values.ndim == 2
        for k, feature in enumerate(entry.features)
    }
    if name not in numbers:
        known = ", ".join([*samples.observers, *numbers])
        what = f"'{name}' is no observer and no feature of a group of numbers"
        raise UserError(f"{KEY}.bins", what, f"known: {known}")
    group, k = numbers[name]
    column = samples.inputs[group].column
    assert isinstance(column, Dense)
    return column.values[:, k].astype(np.float64)
