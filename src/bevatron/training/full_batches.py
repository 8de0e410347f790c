"""Batches in which what a network says of a sample does not depend on the other samples.

A sum over many products is rounded as the kernel adds it up, and kernels choose their way by the sizes of all that they
compute at once: a matrix product of one row is added up in another order than one of a thousand, the last numbers of a
tensor are computed one by one and not in a vector, and lists are padded to the longest one among them. So the last bits
of a score would depend on which samples happen to be scored together. They do not where each batch has rows to spare of
everything that decides on the way: these are added here, and what the network says of them is thrown away.

Measured (tests/apply/test_same_bits.py) for every architecture on a CPU with one thread, together with the layers of
`models.layers.wide_linear`. With several threads, which divide a batch where they like, scores of networks over lists
agree to a few units of the last place. On a GPU nothing is promised.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from bevatron.models.layers.inputs import InputGroup, Inputs, Padded
from bevatron.models.layers.lists_by_length import MAX_BUCKETS
from bevatron.store.readers.batch import RaggedBatch
from bevatron.training.collate import rows_at_once

MOST_ROWS = 2_048
MULTIPLE = 64  # of rows in a batch: vectors of 32 bytes or 64, several at a time, leave no number over
LONGEST_LISTS, LISTS_OF_LENGTH, SHORTEST_LISTS = 16, 2, 32


@dataclass(frozen=True)
class FullBatches:
    """Completes batches of networks that read these groups; `rows` samples at most go into one."""

    groups: dict[str, InputGroup]

    @property
    def rows(self) -> int:
        """Samples of a batch: fewer of large images."""
        most = rows_at_once(self.groups, MOST_ROWS)
        return most - most % MULTIPLE if most > MULTIPLE else most

    def __call__(self, inputs: Inputs) -> Inputs:
        """The batch with further rows behind its own, of which there is one at least. Shapes {group: (batch, ...)}."""
        n = next(len(_rows_of(group)) for group in inputs.values())
        lists = {name: _lengths(group.shape[0]) for name, group in self.groups.items() if group.is_ragged}
        more = max((len(lengths) for lengths in lists.values()), default=0)
        more += -(n + more) % min(MULTIPLE, self.rows)
        if more == 0:
            return inputs
        complete: Inputs = {}
        for name, group in inputs.items():
            if isinstance(group, RaggedBatch):
                lengths = lists[name] + [1] * (more - len(lists[name]))
                zeros = group.values.new_zeros((sum(lengths), *group.values.shape[1:]))
                added = torch.tensor(lengths, dtype=group.lengths.dtype, device=group.lengths.device)
                complete[name] = RaggedBatch(torch.cat([group.values, zeros]), torch.cat([group.lengths, added]))
            elif isinstance(group, Padded):
                raise TypeError(f"the lists '{name}' are padded, expected lists one after another")
            else:
                again = torch.arange(more, device=group.device) % n
                complete[name] = torch.cat([group, group[again]])
        return complete


def _rows_of(group: Tensor | RaggedBatch | Padded) -> Tensor:
    return group if isinstance(group, Tensor) else group[1]


def _lengths(longest: int) -> list[int]:
    """Lengths of lists, the longest first: of each length by which a network may cut lists into groups, and enough of
    the longest and the shortest ones that every step along the lists has several.
    """
    step = max(1, -(-longest // MAX_BUCKETS))
    lengths = [longest] * LONGEST_LISTS
    for length in range(longest, 0, -step):
        lengths += [length, max(1, length - 1)] if step > 1 else [length] * LISTS_OF_LENGTH
    return lengths + [1] * SHORTEST_LISTS
