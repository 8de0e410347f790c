"""Fisher's linear discriminant."""

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Fraction
from bevatron.models.closed_form import Labelled, Losses
from bevatron.models.layers.flat import flat_width, flatten_groups
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.wide_linear import widened


@architecture("fisher")
class Fisher(nn.Module):
    """Fisher's linear discriminant (1936) for any number of classes, solved in closed form.

    With the means μ_c, the fractions π_c and the covariance S within the classes,

        output_c = x·S⁻¹μ_c − ½ μ_c·S⁻¹μ_c + ln π_c,

    whose softmax is the probability of the class if all classes are normal with the same covariance. Between two
    classes the direction is S⁻¹(μ_1 − μ_0). A direction in which nothing varies (padding, a constant feature) is left
    out by the pseudo-inverse. Lists are flattened with their padding as for the `mlp`.

    Nothing is drawn at random: all seeds give the same numbers. Shapes: inputs {group: (batch, ...) or lists};
    returns (batch, n_outputs).
    """

    TASKS = ("classification", "classification_2d")
    DETERMINISTIC = True  # nothing is drawn at random: every training gives the same numbers

    class Options(Options):
        shrinkage: Fraction = Field(
            default=0.0, description="fraction of the covariance that is replaced by its mean diagonal, for few samples"
        )

    weight: Tensor
    bias: Tensor

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups, self.shrinkage = inputs, options.shrinkage
        self.register_buffer("weight", torch.zeros(n_outputs, flat_width(inputs)))
        self.register_buffer("bias", torch.zeros(n_outputs))

    def n_fitted(self) -> int:
        """The weights and the biases of all classes."""
        return self.weight.numel() + self.bias.numel()

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        if torch.compiler.is_exporting():
            return functional.linear(self.rows(inputs), self.weight, self.bias)
        return functional.linear(self.rows(inputs), *widened(self.weight, self.bias))[:, : len(self.weight)]

    def rows(self, inputs: Inputs) -> Tensor:
        """All inputs of a sample as one row: (batch, n_features)."""
        return flatten_groups(inputs, self.groups)

    def fit_closed_form(self, training: Labelled, validation: Labelled, seed: int, keep_best: bool) -> list[Losses]:
        """Set weights and biases from the classes' means and covariance; the mean cross entropy of both splits."""
        x, w = training.rows.double(), training.weights.double()
        n_classes, n_features = self.weight.shape
        fractions, means = w.new_zeros(n_classes), w.new_zeros(n_classes, n_features)
        within = w.new_zeros(n_features, n_features)
        for c in range(n_classes):
            of_class = training.labels == c
            x_c, w_c = x[of_class], w[of_class]
            fractions[c] = w_c.sum()
            means[c] = w_c @ x_c / fractions[c]
            away = x_c - means[c]
            within += (away * w_c.unsqueeze(1)).t() @ away
        within /= fractions.sum()
        diagonal = torch.eye(n_features, dtype=torch.float64) * within.diagonal().mean()
        within = (1 - self.shrinkage) * within + self.shrinkage * diagonal
        directions = means @ torch.linalg.pinv(within, hermitian=True)
        self.weight.copy_(directions)
        self.bias.copy_(torch.log(fractions / fractions.sum()) - 0.5 * (directions * means).sum(1))
        return [Losses(self._loss(training), self._loss(validation))]

    def _loss(self, split: Labelled) -> float:
        losses = functional.cross_entropy(
            functional.linear(split.rows, self.weight, self.bias), split.labels, reduction="none"
        )
        return (losses.double() @ split.weights.double() / split.weights.double().sum()).item()
