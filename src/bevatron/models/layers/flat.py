"""All inputs of a sample as one row of numbers."""

import torch
from torch import Tensor

from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.store.readers.batch import RaggedBatch, pad


def flat_width(inputs: dict[str, InputGroup]) -> int:
    """Numbers in a row: of each group its size, of a list its length besides."""
    return sum(group.size + group.is_ragged for group in inputs.values())


def flatten_groups(inputs: Inputs, groups: dict[str, InputGroup]) -> Tensor:
    """The groups joined in their order: (batch, flat_width).

    Lists are filled up with zeros to the longest of the dataset, the first element first; the fraction of the places
    that are taken is a further number, so that an absent element is no element at the mean.
    """
    columns = []
    for name, shape in groups.items():
        group = inputs[name]
        if isinstance(group, Tensor):
            columns.append(group.flatten(1))
            continue
        values, n_valid = pad(group, shape.shape[0]) if isinstance(group, RaggedBatch) else group
        fraction = n_valid.to(values.dtype).unsqueeze(1) / values.shape[1]
        columns += [values.flatten(1), fraction]
    return columns[0] if len(columns) == 1 else torch.cat(columns, 1)
