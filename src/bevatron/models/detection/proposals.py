"""The region proposal network: which of the anchors hold something, and where it lies exactly."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from bevatron.models.detection.anchors import anchors
from bevatron.models.detection.box_samples import assign_truth, best_of_each, draw_priorities, sample_boxes
from bevatron.models.detection.boxes import clip, decode, encode, overlap
from bevatron.models.detection.nms import nms

POSITIVE, NEGATIVE = 0.7, 0.3  # overlaps with a true box from which, and below which, an anchor is for sure
BETA = 1 / 9  # where the smooth L1 loss turns from a parabola into a line, as in the authors' code
MIN_SIDE = 1e-3  # pixels: sides of a proposal, which must have an area


@dataclass(frozen=True)
class RPNOutput:
    """What the region proposal network says: objectness (batch, n) logits and deltas (batch, n, 4), for the anchors
    (n, 4) in pixels.
    """

    objectness: Tensor
    deltas: Tensor
    anchors: Tensor


class RegionProposals(nn.Module):
    """A 3 × 3 convolution over the feature map, and for each of its cells and anchors one logit and four deltas.

    Ren et al. 2015, sec. 3.1, with one logit and the logistic function in the place of two and the softmax, which is
    the same. Anchors that reach over the edge take part, and their boxes are cut off there: on small images few others
    would be left.
    """

    def __init__(self, channels: int, stride: int, sizes: list[float], ratios: list[float]):
        super().__init__()
        self.stride, self.sizes, self.ratios = stride, sizes, ratios
        self.hidden = nn.Conv2d(channels, channels, 3, padding=1)
        self.objectness = nn.Conv2d(channels, len(sizes) * len(ratios), 1)
        self.deltas = nn.Conv2d(channels, 4 * len(sizes) * len(ratios), 1)

    def forward(self, features: Tensor) -> RPNOutput:
        """The feature map (batch, channels, rows, columns) to objectness and deltas of every anchor."""
        rows, columns = features.shape[2:]
        hidden = torch.relu(self.hidden(features))
        objectness = self.objectness(hidden).float().permute(0, 2, 3, 1).flatten(1)
        deltas = self.deltas(hidden).float().permute(0, 2, 3, 1).unflatten(3, (-1, 4)).flatten(1, 3)
        where = anchors(self.sizes, self.ratios, rows, columns, self.stride, features.device)
        return RPNOutput(objectness, deltas, where)


@torch.no_grad()
def proposals(
    rpn_output: RPNOutput, height: int, width: int, candidates: int, maximum: int, threshold: float
) -> tuple[Tensor, Tensor]:
    """Boxes (batch, kept, 4) in pixels, best first, and which of them are there (batch, kept) bool.

    Of the `candidates` with the highest objectness, those that non-maximum suppression leaves, up to `maximum`. No
    gradient flows into them.
    """
    n = min(candidates, rpn_output.objectness.shape[1])
    _, index = rpn_output.objectness.detach().sort(dim=1, descending=True, stable=True)
    index = index[:, :n]
    deltas = rpn_output.deltas.detach().gather(1, index.unsqueeze(2).expand(-1, -1, 4))
    boxes = clip(decode(deltas, rpn_output.anchors[index]), height, width)
    present = ((boxes[..., 2] - boxes[..., 0]) > MIN_SIDE) & ((boxes[..., 3] - boxes[..., 1]) > MIN_SIDE)
    present = nms(boxes, present, threshold)
    return take_first(boxes, present, maximum)


def take_first(boxes: Tensor, present: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """The first n of the boxes (batch, m, 4) that are present, moved to the front; zeros behind them."""
    order = present.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :n]
    valid = present.gather(1, order)
    moved = boxes.gather(1, order.unsqueeze(2).expand(-1, -1, boxes.shape[2])) * valid.unsqueeze(2)
    short = n - valid.shape[1]
    return functional.pad(moved, (0, 0, 0, max(short, 0))), functional.pad(valid, (0, max(short, 0)))


def proposal_losses(
    rpn_output: RPNOutput, truth: Tensor, present: Tensor, maximum: int, training: bool
) -> tuple[Tensor, Tensor]:
    """Cross entropy of the objectness, and smooth L1 of the deltas, of each image: (batch,) and (batch,).

    truth (batch, n_true, 4) in pixels, of which `present` (batch, n_true) are there. An anchor is positive if it
    overlaps a true box by 0.7 or more, or none overlaps that box more; negative if it overlaps none by 0.3. Up to
    `maximum` of them are drawn, half of them positive at most; both sums are over those and divided by their number.
    """
    with torch.no_grad():
        overlaps = overlap(rpn_output.anchors, truth)
        index, best = assign_truth(overlaps, present)
        positive = (best >= POSITIVE) | best_of_each(overlaps, present)
        negative = (best < NEGATIVE) & ~positive
        priority = draw_priorities(len(rpn_output.anchors), len(truth), truth.device, training)
        chosen = sample_boxes(positive, negative, maximum, 0.5, priority)
        right = chosen & positive
        matched = truth.gather(1, index.unsqueeze(2).expand(-1, -1, 4))
        target = encode(torch.where(right.unsqueeze(2), matched, rpn_output.anchors), rpn_output.anchors)
    n = chosen.sum(1).clamp(min=1)
    entropy = functional.binary_cross_entropy_with_logits(rpn_output.objectness, right.float(), reduction="none")
    distance = functional.smooth_l1_loss(rpn_output.deltas, target, beta=BETA, reduction="none").sum(2)
    return (entropy * chosen).sum(1) / n, (distance * right).sum(1) / n
