"""Graphs of nearest neighbours over lists of all lengths, beside a loop over the lists."""

import pytest
import torch

from bevatron.models.layers.lists_by_length import by_length
from bevatron.models.layers.neighbours import nearest_neighbours
from bevatron.store.readers.batch import RaggedBatch


@pytest.mark.parametrize("k", [1, 7, 16, 40])
@pytest.mark.parametrize("longest", [2, 9, 17, 23, 32, 40])  # of 32, lists of one and of two share a bucket
def test_edges_of_lists_that_share_a_bucket_are_those_of_each_list(longest, k):
    torch.manual_seed(longest * 100 + k)
    lengths = torch.randint(0, longest + 1, (60,))
    lengths[0] = longest
    values = torch.randn(int(lengths.sum()), 2)
    sets = by_length(RaggedBatch(values, lengths))
    graph = nearest_neighbours(sets, sets.elements, k)
    found = sets.in_batch_order(graph.mean(graph.connect(0 * sets.elements, sets.elements)))
    expected = []
    for part in values.split(lengths.tolist()):
        distance = torch.cdist(part, part).fill_diagonal_(torch.inf)
        near = distance.argsort(1)[:, : min(k, max(len(part) - 1, 0))]
        expected.append(part[near].mean(1) if near.shape[1] else torch.zeros_like(part))
    torch.testing.assert_close(found, torch.cat(expected))
