"""Principal components: the best linear auto-encoder of a given dimension."""

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count
from bevatron.errors import UserError
from bevatron.models.closed_form import Labelled, Losses, weighted_mean, weighted_squared_error
from bevatron.models.layers.flat import flat_width, flatten_groups
from bevatron.models.layers.inputs import InputGroup, Inputs


@architecture("principal_components")
class PrincipalComponents(nn.Module):
    """x ↦ m + V Vᵀ (x − m), V the first `latent` principal axes of the noisy inputs, m their mean (Pearson 1901).

    No linear network with as many hidden units gives its input back better (P. Baldi and K. Hornik, Neural Networks 2
    (1989) 53). Shapes: inputs {group: (batch, ...)} dense; returns (batch, n_outputs), as many as it reads; `encode`
    returns (batch, hidden). Nothing is drawn at random. Raises UserError for a target of another size.
    """

    TASKS = ("reconstruction",)
    PHYSICAL = True  # what it says is in the unit of what it reads
    DETERMINISTIC = True  # nothing is drawn at random: every training gives the same numbers

    class Options(Options):
        latent: Count = Field(default=10, description="principal axes that are kept")

    mean: Tensor
    axes: Tensor

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups, n = inputs, flat_width(inputs)
        if n != n_outputs:
            what = f"'{options.kind}' gives its {n} inputs back, the target has {n_outputs} pixels"
            raise UserError("inputs", what, "give it inputs of the target's size")
        if options.latent > n:
            raise UserError("architecture.latent", f"{options.latent} axes of {n} inputs", "ask for fewer")
        self.register_buffer("mean", torch.zeros(n))
        self.register_buffer("axes", torch.zeros(options.latent, n))

    def n_fitted(self) -> int:
        """The mean and the axes, number by number."""
        return self.mean.numel() + self.axes.numel()

    def rows(self, inputs: Inputs) -> Tensor:
        """All inputs of a sample as one row: (batch, n_features)."""
        return flatten_groups(inputs, self.groups)

    def encode(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...)} to the hidden representation (batch, hidden)."""
        return (self.rows(inputs) - self.mean) @ self.axes.T

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...)} to the target's pixels (batch, n_outputs)."""
        return self.mean + self.encode(inputs) @ self.axes

    def fit_closed_form(self, training: Labelled, validation: Labelled, seed: int, keep_best: bool) -> list[Losses]:
        """Set the mean and the axes of the noisy inputs; the mean squared error of both splits."""
        rows, weights = training.rows.double(), training.weights.double()
        mean = weighted_mean(rows, weights)
        _, vectors = torch.linalg.eigh(((rows - mean) * weights[:, None]).T @ (rows - mean) / weights.sum())
        axes = vectors.flip(1)[:, : len(self.axes)].T
        largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
        self.mean.copy_(mean)
        self.axes.copy_(axes * largest.sign())  # an axis has no direction of its own: its largest part is positive
        return [Losses(self._loss(training), self._loss(validation))]

    def _loss(self, split: Labelled) -> float:
        outputs = self.mean + (split.rows - self.mean) @ self.axes.T @ self.axes
        return weighted_squared_error(outputs, split.labels, split.weights)
