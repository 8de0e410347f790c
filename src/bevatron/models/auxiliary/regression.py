"""Numbers of a sample, as an auxiliary task."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from bevatron.models.auxiliary.spec import AuxiliarySpec
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.encoding import Encoding
from bevatron.models.layers.outputs import Outputs


class RegressionHead(nn.Module):
    """Dense layers over the encoded sample; returns (batch, n_numbers) in the target's own units.

    statistics: for each number an object with the mean and the standard deviation (std) of the target over the training
    split. `outputs` keeps both.
    """

    def __init__(self, spec: AuxiliarySpec, sample_width: int, statistics: Sequence[Any] | None = None):
        super().__init__()
        self.layers = dense_layers(sample_width, list(spec.widths), "relu", 0.0, spec.n_numbers)
        self.outputs = Outputs("numbers", spec.n_numbers, statistics)

    def forward(self, encoding: Encoding) -> Tensor:
        """The predicted numbers of each sample."""
        return self.outputs(self.layers(encoding.sample))
