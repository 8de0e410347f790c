"""Non-maximum suppression: of boxes that overlap, the one with the highest score."""

import torch
from torch import Tensor

from bevatron.models.detection.boxes import overlap


def nms(boxes: Tensor, present: Tensor, threshold: float, groups: Tensor | None = None) -> Tensor:
    """Which boxes greedy suppression keeps: (batch, n) bool.

    boxes (batch, n, 4) with falling scores; present (batch, n) bool, the others are not there; groups (batch, n): boxes
    of different groups leave each other alone. A box goes when its overlap with one kept before it exceeds the
    threshold.

    The greedy answer is the only one that agrees with itself: box i is kept if and only if no box j < i that is kept
    overlaps it. So all boxes are decided at once, again and again, until nothing changes; box i is right after i rounds
    at the latest, and mostly after a few (Zheng et al. 2020, arXiv:2005.03572, call it Cluster-NMS).
    """
    close = overlap(boxes, boxes) > threshold
    if groups is not None:
        close &= groups.unsqueeze(2) == groups.unsqueeze(1)
    close = (close & present.unsqueeze(2)).triu(diagonal=1).to(torch.float32)
    keep = present
    while True:
        beaten = torch.bmm(keep.unsqueeze(1).to(torch.float32), close).squeeze(1) > 0
        updated = present & ~beaten
        if torch.equal(updated, keep):
            return keep
        keep = updated
