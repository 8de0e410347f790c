"""Which boxes a detector learns from: which truth each belongs to, and a few of each kind drawn at random."""

import torch
from torch import Tensor
from torch.nn import functional


def draw_priorities(n: int, batch: int, device: torch.device, training: bool) -> Tensor:
    """Numbers in [0, 1) by which `sample_boxes` chooses: (batch, n).

    In training they come from torch's global generator on the CPU, which the learner seeds for every step. Otherwise
    all images share the same ones, so that a validation loss does not depend on how the split is cut into batches.
    """
    if training:
        return torch.rand((batch, n)).to(device)
    return torch.rand(n, generator=torch.Generator().manual_seed(0)).to(device).expand(batch, n)


def assign_truth(overlaps: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """The true box that each box overlaps most, and by how much: (batch, n) int64 and float32.

    overlaps (batch, n, n_true) of boxes with true boxes, of which `present` (batch, n_true) are there.
    """
    best, index = overlaps.masked_fill(~present.unsqueeze(1), 0.0).max(2)
    return index, best


def best_of_each(overlaps: Tensor, present: Tensor) -> Tensor:
    """Boxes (batch, n) that overlap a true box as much as no other does; so each has one, if any touches it."""
    highest = overlaps.amax(1, keepdim=True)
    return ((overlaps == highest) & (highest > 0) & present.unsqueeze(1)).any(2)


def sample_boxes(positive: Tensor, negative: Tensor, maximum: int, fraction: float, priority: Tensor) -> Tensor:
    """Up to `maximum` boxes of each image, of which at most `fraction` are positive: (batch, n) bool.

    Those of the highest priority; where there are too few negative ones, fewer in all.
    """
    n_positive = positive.sum(1).clamp(max=int(maximum * fraction))
    chosen = positive & _select_highest(positive, priority, n_positive, maximum)
    return chosen | (negative & _select_highest(negative, priority, maximum - n_positive, maximum))


def _select_highest(candidates: Tensor, priority: Tensor, n: Tensor, maximum: int) -> Tensor:
    """Whether a box is among the first n (batch,), `maximum` or fewer, of its image's candidates by priority."""
    key, maximum = torch.where(candidates, priority, -1.0), min(maximum, priority.shape[1])
    ordered = functional.pad(key.topk(maximum, 1).values, (1, 0), value=2.0)  # the 0th is above all: none is chosen
    return candidates & (key >= ordered.gather(1, n.clamp(max=maximum).unsqueeze(1)))
