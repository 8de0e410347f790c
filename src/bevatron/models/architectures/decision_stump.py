"""A decision tree of a single node: a cut on one feature, or along a line of any direction."""

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import architecture
from bevatron.config.sections.section import Count
from bevatron.errors import UserError
from bevatron.models.closed_form import Labelled, Losses
from bevatron.models.layers.flat import flat_width, flatten_groups
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.step import Step


@architecture("decision_stump")
class DecisionStump(nn.Module):
    """A node of a decision tree (Breiman et al., Classification and Regression Trees, 1984): is w·x > θ?

    The split is the one of lowest Gini impurity, Σ n p (1 - p) over both sides, with n the samples (or their weights)
    and p the fraction of class 1 on a side. Thresholds are midway between neighbouring training samples. A node that is
    parallel to the axes tries the direction of each feature; an oblique one tries directions all around, which is
    possible for two features alone. Of equal splits the first counts.

    Nothing is drawn at random: all seeds give the same numbers. Shapes: inputs {group: (batch, ...)}, flattened and
    joined; returns (batch, 2): 1 - p and p, of the side on which the sample is.
    """

    TASKS = ("classification_2d",)

    class Options(kinds.Options):
        oblique: bool = Field(default=False, description="a cut along any line, not only along the axes")
        directions: Count = Field(default=360, description="directions of w that an oblique node tries, in half a turn")

    weight: Tensor
    threshold: Tensor
    fractions: Tensor

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        n_features = flat_width(inputs)
        if options.oblique and n_features != 2:
            what = f"is for two features, found {n_features} in {', '.join(inputs)}"
            raise UserError("architecture.oblique", what, "choose other inputs, or an axis-parallel node")
        self.groups, self.options = inputs, options
        self.register_buffer("weight", torch.zeros(n_features))
        self.register_buffer("threshold", torch.zeros(()))
        self.register_buffer("fractions", torch.full((2,), 0.5))

    def n_fitted(self) -> int:
        """The weights, the threshold, and the fraction of each side."""
        return self.weight.numel() + 3

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...)} to (batch, 2): 1 - p and p."""
        rows = self.rows(inputs)
        z = (rows * self.weight).sum(1, keepdim=True) - self.threshold
        beyond = (z > 0).to(z.dtype) if torch.compiler.is_exporting() else Step.apply(z)
        p = self.fractions[0] + (self.fractions[1] - self.fractions[0]) * beyond
        return torch.cat([1 - p, p], 1)

    def rows(self, inputs: Inputs) -> Tensor:
        """All inputs of a sample as one row: (batch, n_features)."""
        return flatten_groups(inputs, self.groups)

    def hyperplane(self) -> tuple[Tensor, float]:
        """W, of length one and towards class 1, and θ."""
        return self.weight, self.threshold.item()

    def fit_closed_form(self, training: Labelled, validation: Labelled, seed: int, keep_best: bool) -> list[Losses]:
        """Find the split of lowest impurity; half the mean squared error of both splits."""
        x, label, weight = training.rows.double(), training.labels.double(), training.weights.double()
        best = (torch.inf, x.new_zeros(x.shape[1]), 0.0, (0.5, 0.5))
        for w in self._directions(x.shape[1]):
            split = _best_threshold(x @ w, label, weight)
            if split is not None and split[0] < best[0]:
                best = (split[0], w, *split[1:])
        _, w, theta, fractions = best
        if fractions[0] > fractions[1]:
            w, theta, fractions = -w, -theta, fractions[::-1]
        self.weight.copy_(w)
        self.threshold.fill_(theta)
        self.fractions.copy_(torch.tensor(fractions))
        return [Losses(self._loss(training), self._loss(validation))]

    def _directions(self, n_features: int) -> Tensor:
        """Directions of w to try: (n, n_features)."""
        if not self.options.oblique:
            return torch.eye(n_features, dtype=torch.float64)
        angle = torch.arange(self.options.directions, dtype=torch.float64) * torch.pi / self.options.directions
        return torch.stack([angle.cos(), angle.sin()], 1)

    def _loss(self, split: Labelled) -> float:
        beyond = (split.rows * self.weight).sum(1) > self.threshold
        residual = self.fractions[beyond.long()].double() - split.labels.double()
        return (0.5 * residual**2 @ split.weights.double() / split.weights.double().sum()).item()


def _best_threshold(z: Tensor, label: Tensor, weight: Tensor) -> tuple[float, float, tuple[float, float]] | None:
    """Impurity, threshold and the fractions of class 1 below and above it; None where all z (n,) are equal."""
    z, order = z.sort(stable=True)
    below, ones_below = weight[order].cumsum(0)[:-1], (weight * label)[order].cumsum(0)[:-1]
    above, ones_above = weight.sum() - below, (weight * label).sum() - ones_below
    impurity = ones_below * (1 - ones_below / below) + ones_above * (1 - ones_above / above)
    impurity[z[1:] <= z[:-1]] = torch.inf  # equal values are on the same side
    impurity[(below <= 0) | (above <= 0)] = torch.inf  # a side of samples without weight
    k = int(impurity.argmin()) if len(impurity) else 0
    if not len(impurity) or not torch.isfinite(impurity[k]):
        return None
    fractions = ((ones_below[k] / below[k]).item(), (ones_above[k] / above[k]).item())
    return impurity[k].item(), ((z[k] + z[k + 1]) / 2).item(), fractions
