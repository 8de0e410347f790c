"""All inputs of a sample as one row of numbers."""

import torch
from torch import Tensor

from bevatron.models.layers.inputs import InputGroup, Inputs, Padded


def flat_width(inputs: dict[str, InputGroup]) -> int:
    """Numbers in a row: of each group its size, of a list its length besides."""
    return sum(group.size + group.is_ragged for group in inputs.values())


def flatten_groups(inputs: Inputs, groups: list[str]) -> Tensor:
    """The groups joined in their order: (batch, flat_width).

    Lists keep their zero padding, the first element first; the fraction of the places that are taken is a further
    number, so that a padded element is no element at the mean.
    """
    columns = []
    for name in groups:
        group = inputs[name]
        if isinstance(group, Padded):
            values, n_valid = group
            fraction = n_valid.to(values.dtype).unsqueeze(1) / values.shape[1]
            columns += [values.flatten(1), fraction]
        else:
            columns.append(group.flatten(1))
    return columns[0] if len(columns) == 1 else torch.cat(columns, 1)
