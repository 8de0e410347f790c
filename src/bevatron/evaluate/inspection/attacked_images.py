"""A few images under attack for looking: one of each class, by rule, with what a network says at each ε."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bevatron.compute.numerics.devices import deterministic, device_for
from bevatron.compute.numerics.probabilities import softmax
from bevatron.config.sections.task import Attacks
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.inspection.attacked import first_samples, load_attacked, logits_of, rounded
from bevatron.training.attacks import Images, fgsm

CLASSES = 10  # classes of which an image is shown
STEPS = 10  # equal steps of ε up to the largest, beside those of the study
PIXELS = 3 * 64 * 64  # of one image at most: larger ones are not kept


def attacked_images(context: EvaluationContext, target: str, settings: Attacks) -> dict[str, Any] | None:
    """What the first seed's network says of the first attacked image of each class, at each ε of a list from 0 on.

    epsilon   the list; group: the input group whose images are shown
    label     class numbers; row: the images' rows in the test split
    image     (n, channels, height, width), to three digits; low, high: the range within which changed values are kept
    fgsm, random  "sign": the change of each pixel at ε = 1, -1, 0 or 1, by the gradient or drawn at random, so that the
              changed image is image + ε sign, kept within the range; "probabilities" (n, n_epsilon, n_classes)

    None of a network without gradients or images, and of images of more than `PIXELS` values.
    """
    if not context.folders:
        return None
    device = device_for(context.workflow.accelerator)
    network = load_attacked(context, context.folders[0], device)
    if network is None:
        return None
    first = _first_of_each_class(context, target, settings.samples, device)
    if first is None:
        return None
    inputs, labels, rows = first
    group = next((name for name, values in inputs.items() if values.ndim == 4), None)
    if group is None or inputs[group][0].numel() > PIXELS:
        return None
    even = np.linspace(0.0, settings.epsilons[-1], STEPS + 1)
    epsilons = sorted({float(f"{epsilon:.6g}") for epsilon in (*even, *settings.epsilons)})
    generator = torch.Generator().manual_seed(0)
    with deterministic(context.model.training.threads):
        moved = fgsm(network, inputs, labels, 1.0, -torch.inf, torch.inf)
        signs = {
            "fgsm": {name: (moved[name] - x).round() for name, x in inputs.items()},
            "random": {
                name: (2.0 * torch.randint(2, x.shape, generator=generator) - 1.0).to(x) for name, x in inputs.items()
            },
        }
        found = {
            kind: {
                "sign": sign[group].to(torch.int8).cpu().tolist(),
                "probabilities": _probabilities(network, inputs, sign, epsilons, settings.range),
            }
            for kind, sign in signs.items()
        }
    low, high = settings.range
    shown = {"image": rounded(inputs[group].cpu().numpy()), "low": low, "high": high, "group": group}
    return {"epsilon": epsilons, "label": labels.tolist(), "row": rows, **shown, **found}


def _first_of_each_class(
    context: EvaluationContext, target: str, maximum: int, device: torch.device
) -> tuple[Images, Tensor, list[int]] | None:
    """Inputs, class numbers and rows of the first sample of each class among the first `maximum`."""
    parts: list[Images] = []
    labels, rows, start = [], [], 0
    for inputs, classes in first_samples(context, target, maximum, device):
        for row, label in enumerate(classes.tolist()):
            if label not in labels and len(labels) < CLASSES:
                labels.append(label)
                rows.append(start + row)
                parts.append({name: values[row : row + 1].clone() for name, values in inputs.items()})
        start += len(classes)
    if not parts:
        return None
    order = np.argsort(labels)
    inputs = {name: torch.cat([parts[k][name] for k in order]) for name in parts[0]}
    return inputs, torch.tensor(labels, device=device)[order.tolist()], [rows[k] for k in order]


def _probabilities(
    network: nn.Module, inputs: Images, sign: Images, epsilons: list[float], limits: tuple[float, float]
) -> list[list[list[float]]]:
    """(n, n_epsilon, n_classes), to four digits."""
    low, high = limits
    found = []
    for epsilon in epsilons:
        changed = {name: (x + epsilon * sign[name]).clamp(low, high) for name, x in inputs.items()}
        found.append(softmax(logits_of(network, inputs if epsilon == 0 else changed)))
    return np.round(np.stack(found, axis=1), 4).tolist()
