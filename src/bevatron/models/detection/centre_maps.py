"""Maps of where the centres of boxes lie: what a detector without anchors learns from, and its losses."""

import torch
from torch import Tensor
from torch.nn import functional

from bevatron.models.detection.generalised_overlap import generalised_overlap

SPREAD = 0.54 / 6  # standard deviation of a centre's Gaussian, in sides of its box (Liu et al. 2020)
NARROWEST = 0.2  # cells: the Gaussian of a thin box is its centre's cell alone
FOCUS, RELIEF = 2, 4  # powers of the focal loss: of what is still wrong, and of the distance from a centre


def centre_gaussians(truth: Tensor, present: Tensor, rows: int, columns: int, stride: int) -> Tensor:
    """A Gaussian around the centre of each true box: (batch, n_true, rows, columns), of height 1 in its centre's cell.

    truth (batch, n_true, 4) in pixels, of which `present` (batch, n_true) are there; those of the others are 0. A cell
    covers `stride` pixels a side. Widths follow the box's two sides, each for itself (Liu et al. 2020, eq. 4).
    """
    middle = (truth[..., :2] + truth[..., 2:]) / 2 / stride
    sigma = ((truth[..., 2:] - truth[..., :2]) * (SPREAD / stride)).clamp(min=NARROWEST)
    last = middle.new_tensor([columns - 1, rows - 1])
    cell = torch.minimum(middle.floor().clamp(min=0), last)
    x, y = (torch.arange(n, device=truth.device) for n in (columns, rows))
    along_x = torch.exp(-0.5 * ((x - cell[..., :1]) / sigma[..., :1]) ** 2)
    along_y = torch.exp(-0.5 * ((y - cell[..., 1:]) / sigma[..., 1:]) ** 2)
    return along_y.unsqueeze(3) * along_x.unsqueeze(2) * present[..., None, None]


def centre_loss(logits: Tensor, gaussians: Tensor, label: Tensor, present: Tensor) -> Tensor:
    """Focal loss of the maps of centres, of each image, over its true boxes: (batch,).

    logits (batch, n_classes, rows, columns); gaussians (batch, n_true, rows, columns) as `centre_gaussians` has them;
    label and `present` (batch, n_true). Where a centre is, p should be 1: -(1 - p)² log p. Elsewhere it should be 0,
    the less so the closer to a centre: -(1 - y)⁴ p² log(1 - p), y being the highest Gaussian of that class (Law and
    Deng 2018, arXiv:1808.01244, eq. 1).
    """
    of_class = functional.one_hot(label, logits.shape[1]).to(gaussians.dtype)
    y = (gaussians.unsqueeze(2) * of_class[..., None, None]).amax(1)
    p = torch.sigmoid(logits)
    right = -((1 - p) ** FOCUS) * functional.logsigmoid(logits)
    wrong = -((1 - y) ** RELIEF) * p**FOCUS * functional.logsigmoid(-logits)
    return torch.where(y == 1, right, wrong).sum((1, 2, 3)) / present.sum(1).clamp(min=1)


def place_loss(boxes: Tensor, gaussians: Tensor, truth: Tensor, present: Tensor) -> Tensor:
    """1 - generalised overlap of the boxes around centres, of each image, over its true boxes: (batch,).

    boxes (batch, rows · columns, 4) and truth (batch, n_true, 4) in pixels. A cell answers for the true box whose
    Gaussian is highest there and weighs as much as that; the cells of a true box together weigh 1, whatever its size.
    Liu et al. (2020), eq. 7, weigh larger boxes more, which suits objects that are larger where they matter more.
    """
    flat = gaussians.flatten(2)
    highest, owner = flat.max(1)
    own = flat * (torch.arange(truth.shape[1], device=truth.device)[:, None] == owner.unsqueeze(1))
    total = own.sum(2).clamp(min=1e-9)
    weight = (own / total.unsqueeze(2)).sum(1)
    target = truth.gather(1, owner.unsqueeze(2).expand(-1, -1, 4))
    unit = boxes.new_tensor([0.0, 0.0, 1.0, 1.0])
    target = torch.where((highest > 0).unsqueeze(2), target, unit)  # cells without an owner weigh nothing
    distance = 1 - generalised_overlap(boxes, target)
    return (distance * weight).sum(1) / present.sum(1).clamp(min=1)
