"""Batches of lists for the tests of networks over them."""

import torch

from bevatron.models.layers.inputs import InputGroup, Padded
from bevatron.store.readers.batch import RaggedBatch

LONGEST = 15
WIDTHS = {"tracks": 4, "vertices": 3}
GROUPS = {
    "jet": InputGroup((2,), ("pt", "eta")),
    "tracks": InputGroup((LONGEST, 4), tuple("abcd"), is_ragged=True),
    "vertices": InputGroup((LONGEST, 3), tuple("efg"), is_ragged=True),
}


def ragged_jets(lengths, seed=2):
    """Jets with so many tracks and vertices each."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.as_tensor(lengths, dtype=torch.int64)
    total = int(lengths.sum())
    lists = {
        name: RaggedBatch(torch.randn(total, width, generator=generator), lengths) for name, width in WIDTHS.items()
    }
    return {"jet": torch.randn(len(lengths), 2, generator=generator), **lists}


def pad(inputs, n_max=LONGEST):
    """The same with padded lists, filled in one by one."""
    padded = dict(inputs)
    for name, group in inputs.items():
        if isinstance(group, RaggedBatch):
            values = torch.zeros(len(group.lengths), n_max, group.values.shape[1], dtype=group.values.dtype)
            for jet, elements in enumerate(group.values.split(group.lengths.tolist())):
                values[jet, : len(elements)] = elements
            padded[name] = Padded(values, group.lengths)
    return padded


def unpad(inputs):
    """The same without padding."""
    return {name: _unpadded(group) if isinstance(group, Padded) else group for name, group in inputs.items()}


def _unpadded(group):
    elements = [row[:n] for row, n in zip(group.values, group.n_valid.tolist(), strict=True)]
    values = torch.cat(elements) if elements else group.values.new_zeros(0, group.values.shape[2])
    return RaggedBatch(values, group.n_valid)
