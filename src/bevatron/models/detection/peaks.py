"""What a detector without anchors finds: the peaks of its maps of centres, and the boxes that it draws there."""

import torch
from torch import Tensor
from torch.nn import functional

from bevatron.models.detection.boxes import clip
from bevatron.models.detection.proposals import MIN_SIDE


@torch.no_grad()
def find_peaks(logits: Tensor, boxes: Tensor, size: tuple[int, int], min_score: float, maximum: int) -> Tensor:
    """(batch, maximum, 6) of x1, y1, x2, y2 as fractions of the image's sides, score, class number.

    logits (batch, n_classes, rows, columns); boxes (batch, rows · columns, 4) in pixels; size: of the image, (height,
    width). A peak is a cell whose probability no neighbour's exceeds (Zhou et al. 2019, sec. 4.1). Best first; those
    with a score below `min_score` are dropped; behind the last one, rows of zeros with class -1.
    """
    (height, width), cells = size, boxes.shape[1]
    places = clip(boxes, height, width)
    there = ((places[..., 2:] - places[..., :2]) > MIN_SIDE).all(2).view(-1, 1, *logits.shape[2:])
    score = torch.sigmoid(logits)
    good = (score == functional.max_pool2d(score, 3, 1, 1)) & (score >= min_score) & there
    score = torch.where(good, score, -1.0).flatten(1)
    score = functional.pad(score, (0, max(maximum - score.shape[1], 0)), value=-1.0)
    score, order = score.topk(maximum, 1)  # a stable sort is none of ONNX's operators
    found = (score >= 0).unsqueeze(2)
    places = places.gather(1, (order % cells).unsqueeze(2).expand(-1, -1, 4))
    fractions = places / places.new_tensor([width, height, width, height])
    number = (order // cells).unsqueeze(2).to(fractions.dtype)
    nothing = fractions.new_tensor([0.0, 0.0, 0.0, 0.0, 0.0, -1.0])
    return torch.where(found, torch.cat([fractions, score.unsqueeze(2), number], 2), nothing)
