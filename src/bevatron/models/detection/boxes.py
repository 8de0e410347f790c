"""Boxes: their overlap, their place relative to another box, and what of them lies in the image.

A box is (x1, y1, x2, y2) along the last axis, x1 <= x2 and y1 <= y2, in pixels; pixel i covers [i, i + 1).
"""

import math

import torch
from torch import Tensor

LARGEST = math.log(1000 / 16)  # a box is decoded to 62.5 times its reference's size at most: exp must not overflow


def area(boxes: Tensor) -> Tensor:
    """Boxes (..., 4) to areas (...)."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def overlap(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of each box (..., n, 4) with each (..., m, 4): (..., n, m); 0 of two empty boxes."""
    first, second = first.unsqueeze(-2), second.unsqueeze(-3)
    low = torch.maximum(first[..., :2], second[..., :2])
    high = torch.minimum(first[..., 2:], second[..., 2:])
    common = (high - low).clamp_(min=0).prod(-1)
    union = area(first) + area(second) - common
    return torch.where(union > 0, common / union, 0.0)


def encode(boxes: Tensor, references: Tensor, scale: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> Tensor:
    """Where boxes (..., 4) lie as seen from references (..., 4): the numbers that a network regresses.

    t_x = (x - x_r) / w_r, t_y likewise, t_w = log(w / w_r), t_h likewise, of centres and sides (Ren et al. 2015,
    eq. 2), each divided by its `scale`. All sides must be positive.
    """
    (x, y, w, h), (xr, yr, wr, hr) = _centre_and_sides(boxes), _centre_and_sides(references)
    deltas = torch.stack([(x - xr) / wr, (y - yr) / hr, torch.log(w / wr), torch.log(h / hr)], -1)
    return deltas / deltas.new_tensor(scale)


def decode(deltas: Tensor, references: Tensor, scale: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)) -> Tensor:
    """The boxes (..., 4) that `encode` described."""
    tx, ty, tw, th = (deltas * deltas.new_tensor(scale)).unbind(-1)
    xr, yr, wr, hr = _centre_and_sides(references)
    x, y = xr + tx * wr, yr + ty * hr
    half_w, half_h = wr * torch.exp(tw.clamp(max=LARGEST)) / 2, hr * torch.exp(th.clamp(max=LARGEST)) / 2
    return torch.stack([x - half_w, y - half_h, x + half_w, y + half_h], -1)


def clip(boxes: Tensor, height: int, width: int) -> Tensor:
    """What of boxes (..., 4) lies in an image of that size."""
    x, y = boxes[..., 0::2].clamp(0, width), boxes[..., 1::2].clamp(0, height)
    return torch.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], -1)


def _centre_and_sides(boxes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    x1, y1, x2, y2 = boxes.unbind(-1)
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
