"""Anchors: the boxes, the same for every image, from which proposals are told as small shifts."""

import torch
from torch import Tensor


def anchors(
    sizes: list[float], ratios: list[float], rows: int, columns: int, stride: int, device: torch.device
) -> Tensor:
    """Boxes in pixels (rows · columns · len(sizes) · len(ratios), 4), the feature map's columns before its rows.

    Around the centre of every cell of the feature map, which covers `stride` pixels a side, there stands one box of
    area size² and height / width = ratio for each size and, within it, each ratio (Ren et al. 2015, sec. 3.1.1).
    Those that reach over the image's edge are kept.
    """
    size = torch.tensor(sizes, device=device).unsqueeze(1)
    root = torch.tensor(ratios, device=device).sqrt()
    half_w, half_h = (size / root / 2).flatten(), (size * root / 2).flatten()
    around = torch.stack([-half_w, -half_h, half_w, half_h], 1)
    y = (torch.arange(rows, device=device) + 0.5) * stride
    x = (torch.arange(columns, device=device) + 0.5) * stride
    y, x = torch.meshgrid(y, x, indexing="ij")
    centres = torch.stack([x, y, x, y], -1)
    return (centres.unsqueeze(2) + around).flatten(0, 2)
