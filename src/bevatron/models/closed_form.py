"""Architectures that are solved for their numbers, in closed form or by a library, instead of by steps of gradients."""

from typing import NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from bevatron.models.layers.inputs import Inputs


class Labelled(NamedTuple):
    """A whole split: rows (n, n_features), weights (n,) of the samples in every sum, and what is to be learned.

    labels: class numbers (n,) int64; of a reconstruction the clean images (n, pixels) float32.
    """

    rows: Tensor
    labels: Tensor
    weights: Tensor


class Losses(NamedTuple):
    """Mean weighted cross entropy, or squared error, of the two splits after one round."""

    training: float
    validation: float


@runtime_checkable
class ClosedFormModel(Protocol):
    """What an architecture offers so that `training.fit_closed_form` fits it in the place of a trainer."""

    def rows(self, inputs: Inputs) -> Tensor:
        """Normalised inputs as the rows that `fit_closed_form` takes: (batch, n_features)."""
        ...

    def fit_closed_form(self, training: Labelled, validation: Labelled, seed: int, keep_best: bool) -> list[Losses]:
        """Find the numbers; the losses after each round, one for a closed form.

        With `keep_best` the numbers are those of the round of the lowest validation loss, else of the last.
        """
        ...

    def n_fitted(self) -> int:
        """How many numbers were fitted."""
        ...


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """The mean over the samples of values (n, ...): (...); weights (n,). Exactly `values.mean(0)` where all are one."""
    if bool((weights == 1).all()):
        return values.mean(0)
    return torch.tensordot(weights.to(values.dtype), values, 1) / weights.to(values.dtype).sum()
