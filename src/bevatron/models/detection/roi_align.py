"""RoI align: a feature map read out on a grid inside of each box."""

import torch
from torch import Tensor
from torch.nn import functional


def roi_align(features: Tensor, boxes: Tensor, size: int, points: int) -> Tensor:
    """Means of the feature map over size × size equal parts of each box (He et al. 2017, arXiv:1703.06870, sec. 3).

    features (batch, channels, height, width); boxes (batch, n, 4) in cells of the feature map. A part's mean is that of
    points × points places in it, spread evenly, each interpolated bilinearly between the centres of the four cells
    around it; beyond the outermost centres the map goes on as it is there. No gradient flows into the boxes. Returns
    (batch, n, channels, size, size) float32.

    A part is a weighted sum of 4 · points² cells, which is what an embedding bag makes: in one go, in the same order
    every time, on a GPU too.
    """
    batch, channels, height, width = features.shape
    n = boxes.shape[1]
    cells = features.float().permute(0, 2, 3, 1).reshape(-1, channels)
    if batch * n == 0:
        return cells.sum() + cells.new_zeros((batch, n, channels, size, size))
    x1, y1, x2, y2 = boxes.detach().float().unbind(-1)
    column, of_column = _cells_along(x1, x2, width, size, points)
    row, of_row = _cells_along(y1, y2, height, size, points)
    image = torch.arange(batch, device=boxes.device).view(-1, 1, 1, 1, 1, 1) * (height * width)
    index = image + row[:, :, :, None, :, None] * width + column[:, :, None, :, None, :]
    weight = of_row[:, :, :, None, :, None] * of_column[:, :, None, :, None, :]
    shape = (batch * n * size * size, -1)
    means = functional.embedding_bag(
        index.reshape(shape), cells, mode="sum", per_sample_weights=weight.reshape(shape).contiguous()
    )
    return means.view(batch, n, size, size, channels).permute(0, 1, 4, 2, 3)


def _cells_along(low: Tensor, high: Tensor, length: int, size: int, points: int) -> tuple[Tensor, Tensor]:
    """Along one axis: numbers and weights of the cells that make up each part, two for each place, both
    (batch, n, size, 2 · points).
    """
    places = (torch.arange(size * points, device=low.device) + 0.5) / (size * points)
    at = low.unsqueeze(2) + places * (high - low).unsqueeze(2) - 0.5  # a cell's centre lies half a cell in
    at = at.clamp(0, length - 1)
    left = at.floor().clamp(max=max(length - 2, 0))
    part = at - left
    first = left.long()
    cells = torch.stack([first, (first + 1).clamp(max=length - 1)], -1)
    weights = torch.stack([1 - part, part], -1) / points
    return cells.unflatten(2, (size, points)).flatten(3), weights.unflatten(2, (size, points)).flatten(3)
