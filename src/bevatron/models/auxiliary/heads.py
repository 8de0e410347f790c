"""The head of each kind of auxiliary task."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn

from bevatron.models.auxiliary.element_classification import ElementClassificationHead
from bevatron.models.auxiliary.regression import RegressionHead
from bevatron.models.auxiliary.same_vertex import SameVertexHead
from bevatron.models.auxiliary.spec import AuxiliarySpec


class WithAuxiliary(NamedTuple):
    """The outputs of a network (batch, n_outputs), and those of the head of each auxiliary task by its name."""

    outputs: Tensor
    auxiliary: dict[str, Tensor]


def make_head(
    spec: AuxiliarySpec, element_width: int, sample_width: int, statistics: Sequence[Any] | None = None
) -> nn.Module:
    """Makes the head of an auxiliary task.

    statistics: for a regression, an object with mean and std for each number of its target. Raises ValueError for an
    unknown kind.
    """
    match spec.kind:
        case "element_classification":
            return ElementClassificationHead(spec, element_width, sample_width)
        case "same_vertex":
            return SameVertexHead(spec, element_width, sample_width)
        case "regression":
            return RegressionHead(spec, sample_width, statistics)
    raise ValueError(f"there is no auxiliary task '{spec.kind}'")
