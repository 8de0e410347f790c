"""Features in their own units, such as angles and momenta, inside a network whose inputs are normalised."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bevatron.errors import UserError
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.layers.normalise import Normalise


class PhysicalFeatures(nn.Module):
    """Named features of the elements of a sequence (see `SequenceInput`), before normalisation.

    names: `group.feature`, or the feature alone if only one group of the sequence has it. The network around an
    architecture says how its inputs were normalised (`read_through`). Otherwise the inputs are taken as they are.

    Shapes: elements (..., n_features) of the sequence; returns (..., len(names)).

    Raises UserError for a name that no group, or more than one, has.
    """

    def __init__(self, inputs: dict[str, InputGroup], names: list[str], what: str):
        super().__init__()
        has_lists = any(group.is_ragged for group in inputs.values())
        columns = [
            (name, feature, column)
            for name, group in inputs.items()
            if group.is_ragged or not has_lists
            for column, feature in enumerate(group.features)
        ]
        places = [_place(name, [(group, feature) for group, feature, _ in columns], what) for name in names]
        self._columns = [(place, columns[place][0], columns[place][2]) for place in places]
        self.undo: Callable[[str, int, Tensor], Tensor] | None = None  # not a module: its buffers are the network's

    def forward(self, elements: Tensor) -> Tensor:
        """Elements (..., n_features) to the named features in their units (..., len(names))."""
        values = [(group, column, elements[..., place]) for place, group, column in self._columns]
        undo = self.undo
        return torch.stack(
            [value if undo is None else undo(group, column, value) for group, column, value in values], -1
        )


def read_through(architecture: nn.Module, normalise: Normalise) -> None:
    """Tells the `PhysicalFeatures` of an architecture how its inputs were normalised.

    Those of networks inside it, such as the members of a committee, already know it from their own network.
    """
    for part in architecture.modules():
        if isinstance(part, PhysicalFeatures) and part.undo is None:
            part.undo = normalise.undo


def _place(name: str, features: list[tuple[str, str]], what: str) -> int:
    found = [k for k, (group, feature) in enumerate(features) if name in (feature, f"{group}.{feature}")]
    if len(found) == 1:
        return found[0]
    several = f"is in {' and '.join(features[k][0] for k in found)}" if found else "is not there"
    known = ", ".join(f"{group}.{feature}" for group, feature in features)
    raise UserError(f"architecture.{what}", f"the feature '{name}' {several}", f"name one of {known}")
