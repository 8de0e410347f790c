"""Generalised intersection over union: an overlap that says how far apart two boxes are when they do not touch."""

import torch
from torch import Tensor

from bevatron.models.detection.boxes import area


def generalised_overlap(first: Tensor, second: Tensor) -> Tensor:
    """Boxes (..., 4) and (..., 4), pair by pair, to numbers in (-1, 1], (...).

    Intersection over union, less the part of the smallest box around both that neither covers (Rezatofighi et al. 2019,
    arXiv:1902.09630). At least one of two boxes must have an area.
    """
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    union = area(first) + area(second) - common
    outer = torch.maximum(first[..., 2:], second[..., 2:]) - torch.minimum(first[..., :2], second[..., :2])
    around = outer.prod(-1)
    return common / union - (around - union) / around
