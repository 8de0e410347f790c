"""The head of a detector: what each proposal holds, and where its box lies exactly."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from bevatron.models.detection.box_samples import assign_truth, draw_priorities, sample_boxes
from bevatron.models.detection.boxes import clip, decode, encode, overlap
from bevatron.models.detection.nms import nms
from bevatron.models.detection.proposals import BETA, MIN_SIDE, take_first

SCALE = (0.1, 0.1, 0.2, 0.2)  # the spread of the deltas that are left to the head, as in the authors' code
POSITIVE = 0.5  # overlap with a true box from which a proposal holds its object
POSITIVE_FRACTION = 0.25
CANDIDATES = 256  # of an image, proposal by class, that suppression looks at


class BoxHead(nn.Module):
    """Dense layers over what RoI align read in a proposal; logits of the classes and the background, four deltas a
    class (Girshick 2015, arXiv:1504.08083).

    Shapes: pooled (..., n_inputs); returns (..., n_classes + 1), the background last, and (..., n_classes, 4).
    """

    def __init__(self, n_inputs: int, widths: list[int], n_classes: int):
        super().__init__()
        layers: list[nn.Module] = []
        for width in widths:
            layers += [nn.Linear(n_inputs, width), nn.ReLU()]
            n_inputs = width
        self.layers = nn.Sequential(*layers)
        self.classes = nn.Linear(n_inputs, n_classes + 1)
        self.deltas = nn.Linear(n_inputs, 4 * n_classes)

    def forward(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """(..., n_inputs) to class logits (..., n_classes + 1) and deltas (..., n_classes, 4), both float32."""
        hidden = self.layers(pooled)
        return self.classes(hidden).float(), self.deltas(hidden).float().unflatten(-1, (-1, 4))


@torch.no_grad()
def sample_proposals(
    boxes: Tensor, valid: Tensor, truth: Tensor, label: Tensor, present: Tensor, n: int, background: int, training: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The proposals that the head learns from: boxes (batch, n, 4), which are there (batch, n), the class number of
    each (batch, n), and the true box that goes with it (batch, n, 4).

    boxes (batch, n_boxes, 4) and truth (batch, n_true, 4) in pixels, `valid` and `present`: which exist; label
    (batch, n_true). True boxes are proposals too. One that overlaps a true box by half or more has its class, up to a
    quarter of all; the others are background.
    """
    boxes, valid = torch.cat([boxes, truth], 1), torch.cat([valid, present], 1)
    match_index, best = assign_truth(overlap(boxes, truth), present)
    positive = valid & (best >= POSITIVE)
    priority = draw_priorities(boxes.shape[1], len(boxes), boxes.device, training)
    chosen = sample_boxes(positive, valid & ~positive, n, POSITIVE_FRACTION, priority)
    labels = torch.where(positive, label.gather(1, match_index), background)
    match_boxes = truth.gather(1, match_index.unsqueeze(2).expand(-1, -1, 4))
    together = torch.cat([boxes, labels.unsqueeze(2).to(boxes.dtype), match_boxes], 2)
    together, chosen = take_first(together, chosen, n)
    return together[..., :4], chosen, together[..., 4].long(), together[..., 5:]


def head_losses(
    logits: Tensor, deltas: Tensor, boxes: Tensor, valid: Tensor, label: Tensor, truth: Tensor
) -> tuple[Tensor, Tensor]:
    """Cross entropy of the classes and smooth L1 of the deltas, of each image, over its sampled proposals: (batch,)
    and (batch,). Arguments: what the head says, and what `sample_proposals` returned.
    """
    background = logits.shape[-1] - 1
    n = valid.sum(1).clamp(min=1)
    entropy = functional.cross_entropy(logits.flatten(0, 1), label.flatten(), reduction="none").view_as(label)
    right = valid & (label < background)
    own = label.clamp(max=background - 1)[..., None, None].expand(-1, -1, 1, 4)
    predicted = deltas.gather(2, own).squeeze(2)
    unit = boxes.new_tensor([0.0, 0.0, 1.0, 1.0])  # in the place of boxes that are not asked about: no logarithm of 0
    target = encode(torch.where(right.unsqueeze(2), truth, unit), torch.where(right.unsqueeze(2), boxes, unit), SCALE)
    distance = functional.smooth_l1_loss(predicted, target, beta=BETA, reduction="none").sum(2)
    return (entropy * valid).sum(1) / n, (distance * right).sum(1) / n


@torch.no_grad()
def detections(
    logits: Tensor,
    deltas: Tensor,
    boxes: Tensor,
    valid: Tensor,
    size: tuple[int, int],
    min_score: float,
    threshold: float,
    maximum: int,
) -> Tensor:
    """What is found: (batch, maximum, 6) of x1, y1, x2, y2 as fractions of the image's sides, score, class number.

    Best first; behind the last one, rows of zeros with class -1. size: of the image, (height, width). The score is the
    softmax probability of the class. Boxes with a score below `min_score` are dropped, then those that overlap a
    better one of their class by more than `threshold`.
    """
    (height, width), n_classes = size, deltas.shape[2]
    score = torch.softmax(logits, -1)[..., :n_classes].flatten(1)
    places = clip(decode(deltas, boxes.unsqueeze(2), SCALE), height, width).flatten(1, 2)
    number = torch.arange(n_classes, device=boxes.device).expand(boxes.shape[0], boxes.shape[1], -1).flatten(1)
    sides = places[..., 2:] - places[..., :2]
    good = valid.repeat_interleave(n_classes, 1) & (score >= min_score) & (sides > MIN_SIDE).all(2)
    score, order = score.masked_fill(~good, -1.0).sort(dim=1, descending=True, stable=True)
    score, order = score[:, :CANDIDATES], order[:, :CANDIDATES]
    places = places.gather(1, order.unsqueeze(2).expand(-1, -1, 4))
    number, good = number.gather(1, order), good.gather(1, order)
    good = nms(places, good, threshold, number)
    fractions = places / places.new_tensor([width, height, width, height])
    result = torch.cat([fractions, score.unsqueeze(2), number.unsqueeze(2) + 1.0], 2)
    result, _ = take_first(result, good, maximum)
    return result - result.new_tensor([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])  # rows of zeros get the class -1
