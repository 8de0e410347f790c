"""The sum of the elements of a list, weighted by attention."""

import torch
from torch import Tensor, nn

from bevatron.models.layers.lists_by_length import Sets


class AttentionPool(nn.Module):
    """Σ_i softmax_i(w · x_i + b) x_i over the elements of each list (Li et al., arXiv:1511.05493, eq. 7, with the
    elements themselves as their values).

    Shapes: elements as `lists` has them, of width features; returns (batch, width), zero for an empty ragged list.
    """

    def __init__(self, width: int):
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, elements: Tensor, lists: Sets) -> Tensor:
        """Elements to one row for each list, in the order of the batch."""
        parts = zip(lists.split(elements), lists.split(self.score(elements)), lists.buckets, strict=True)
        return lists.restore([_pool(values, scores, bucket.seen) for values, scores, bucket in parts])


def _pool(values: Tensor, scores: Tensor, seen: Tensor | None) -> Tensor:
    """Values (n_lists, n, width) and scores (n_lists, n, 1) to (n_lists, width)."""
    if values.shape[1] == 1:
        return values.squeeze(1) + 0 * scores.squeeze(1)  # the gradient of the scores is zero, not missing
    scores = scores.transpose(1, 2)
    if seen is not None:
        scores = scores.masked_fill(~seen.squeeze(1), -torch.inf)
    return (torch.softmax(scores, 2) @ values).squeeze(1)
