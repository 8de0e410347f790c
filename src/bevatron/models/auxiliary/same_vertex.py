"""Whether two elements of a list come from the same vertex."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint

from bevatron.models.auxiliary.element_pairs import pairs_of
from bevatron.models.auxiliary.spec import AuxiliarySpec
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.encoding import Encoding
from bevatron.models.layers.lists_by_length import Bucket, ListsByLength, PaddedSets
from bevatron.models.layers.row_places import RowPlaces

AT_ONCE = 2**15  # pairs whose hidden layers are computed at a time
ALL_KEPT = 2**20  # with more pairs, hidden layers are not kept for the gradient, but computed again


class SameVertexHead(nn.Module):
    """Dense layers over each pair of elements: σ(logit) is the probability that both come from the same vertex.

    The first layer of a pair is A e_i + A e_j + |C e_i - C e_j| + S sample + b. It does not depend on the order of the
    two elements. Its matrices are applied once to each element and each sample, so that only the sum and the later
    layers are computed for each pair.

    Returns logits. For ragged lists they are (n_pairs,), in the order of `element_pairs.pairs_of`; for padded lists a
    symmetric matrix for each list, (batch, n, n), without meaning on its diagonal and at padding.
    """

    def __init__(self, spec: AuxiliarySpec, element_width: int, sample_width: int):
        super().__init__()
        width, *hidden = spec.widths
        self.sums = nn.Linear(element_width, width)
        self.differences = nn.Linear(element_width, width, bias=False)
        self.of_sample = nn.Linear(sample_width, width, bias=False)
        self.layers = dense_layers(width, hidden, "relu", 0.0, 1)

    def forward(self, encoding: Encoding) -> Tensor:
        """The encoded batch to the logits of all pairs."""
        sums, differences = self.sums(encoding.elements), self.differences(encoding.elements)
        samples, sets = self.of_sample(encoding.sample), encoding.sets
        if isinstance(sets, PaddedSets):
            pairs = (sums.unsqueeze(2), sums.unsqueeze(1), differences.unsqueeze(2), differences.unsqueeze(1))
            return self._logits(*pairs, samples[:, None, None])
        buckets = sets.buckets_by_length()
        counts = [bucket.n_elements for bucket in buckets]
        parts = zip(
            buckets,
            sums.split(counts),
            differences.split(counts),
            sets.order.by_length(samples).split([bucket.n_lists for bucket in buckets]),
            strict=True,
        )
        is_recomputed = torch.is_grad_enabled() and sum(b.n_lists * _n_places(b.n) for b in buckets) > ALL_KEPT
        logits = [
            logit
            for bucket, of_sums, of_differences, of_samples in parts
            for logit in self._of_bucket(bucket.pad(of_sums), bucket.pad(of_differences), of_samples, is_recomputed)
        ]
        if not logits:  # no pair: all weights still take part in the exchange of gradients between workers
            logits = [self._logits(sums[:0], sums[:0], differences[:0], differences[:0], samples[:0])]
        return _places(sets, buckets).take(torch.cat(logits).unsqueeze(1)).squeeze(1)

    def _of_bucket(self, sums: Tensor, differences: Tensor, samples: Tensor, is_recomputed: bool) -> list[Tensor]:
        """Logits (n_lists · n_places,) of sums and differences (n_lists, n, width), some lists at a time."""
        n_lists, n, _ = sums.shape
        if n < 2 or n_lists == 0:
            return []
        at_once = max(1, AT_ONCE // _n_places(n))
        parts = zip(sums.split(at_once), differences.split(at_once), samples.split(at_once), strict=True)
        if is_recomputed:
            return [checkpoint(self._of_lists, *part, use_reentrant=False, preserve_rng_state=False) for part in parts]
        return [self._of_lists(*part) for part in parts]

    def _of_lists(self, sums: Tensor, differences: Tensor, samples: Tensor) -> Tensor:
        others, other_differences = _Shifted.apply(sums), _Shifted.apply(differences)
        pairs = (sums.unsqueeze(1), others, differences.unsqueeze(1), other_differences)
        return self._logits(*pairs, samples[:, None, None]).flatten()

    def _logits(self, one: Tensor, other: Tensor, of_one: Tensor, of_other: Tensor, sample: Tensor) -> Tensor:
        hidden = torch.relu(one + other + (of_one - of_other).abs() + sample)
        return self.layers(hidden).squeeze(-1)


def _n_places(n: int) -> int:
    """Places for the pairs of a list of n: one for each, and for even n those at the distance n / 2 twice."""
    return n // 2 * n


def _places(sets: ListsByLength, buckets: list[Bucket]) -> RowPlaces:
    """Where the pairs, in the order of `pairs_of`, are among the places of the buckets.

    A bucket's places are (n_lists, n // 2, n): at [k, d, i] is the pair of i and (i + d + 1) mod n of list k.
    """
    device, firsts, before = sets.lengths.device, [], 0
    for bucket in buckets:
        n_places = _n_places(bucket.n)
        first = before + n_places * torch.arange(bucket.n_lists, device=device)
        firsts.append(torch.stack([first, torch.full_like(first, bucket.n)], 1))
        before += bucket.n_lists * n_places
    of_lists = sets.order.restore(torch.cat(firsts))
    pairs = pairs_of(sets.lengths)
    start, n = of_lists[pairs.sample].unbind(1)
    i, distance = pairs.first - (sets.lengths.cumsum(0) - sets.lengths)[pairs.sample], pairs.second - pairs.first
    is_near = distance <= n // 2
    shift = torch.where(is_near, distance, n - distance)
    place = start + (shift - 1) * n + torch.where(is_near, i, i + distance)
    row, taken = place.new_zeros(before), torch.zeros(before, dtype=torch.bool, device=device)
    row[place] = torch.arange(len(place), device=device)
    taken[place] = True
    return RowPlaces(row, taken, place)


class _Shifted(Function):
    """Values (n_lists, n, width) to those of the other element of each pair, (n_lists, n // 2, n, width), without a
    copy of each: at [k, d, i] is element (i + d + 1) mod n.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        n_lists, n, width = values.shape
        twice = torch.cat([values, values], 1)
        return twice.as_strided((n_lists, n // 2, n, width), (2 * n * width, width, width, 1), width)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        n_lists, n_shifts, n, width = gradient.shape
        total = gradient.new_zeros(n_lists, n, width)
        for shift in range(1, n_shifts + 1):
            of_shift = gradient[:, shift - 1]
            total[:, shift:] += of_shift[:, : n - shift]
            total[:, :shift] += of_shift[:, n - shift :]
        return total
