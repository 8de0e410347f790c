"""The smallest changes that make trained classifiers mistake an image, beside those that FGSM needs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bevatron.compute.numerics.devices import deterministic, device_for
from bevatron.config.sections.task import Attacks, Classification, LeastChange
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.inspection.attacked import (
    confidence_of,
    effective_number,
    first_samples,
    load_attacked,
    logits_of,
    rounded,
)
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.training.attacks import Images, fgsm
from bevatron.training.least_change import least_change

NEAR = 0.5  # of the distance to the nearest image of another class, below which an adversarial example is near
STEPS = 50  # sizes of FGSM's step up to the whole range of values, tried one after the other
BISECTIONS = 5  # of the interval in which the step first suffices


@dataclass(frozen=True)
class Changes:
    """What one network needs to mistake the samples that it recognises.

    rows (k,): these samples; found (k,) bool: L-BFGS makes the network take it for its second choice; distortion (k,):
    √(Σ (x' - x)² / n) over a sample's n values; fgsm (k,): that of FGSM's smallest step that suffices, NaN where none
    does; near (k,) bool: found, and at less than NEAR of the distance to the nearest image of another class.
    """

    rows: np.ndarray
    found: np.ndarray
    distortion: np.ndarray
    fgsm: np.ndarray
    near: np.ndarray
    example: dict[str, Any] | None


def measure_least_changes(
    task: Classification, context: EvaluationContext, labels: np.ndarray, bootstrap: Bootstrap
) -> tuple[dict[str, Measurement], dict[str, Any] | None]:
    """Metrics of all seeds, and an example of the first; none of a network that is not tried, or has no gradients.

    Of the samples that a network recognises, the target class being its second choice:

    lbfgs_found       fraction for which box-constrained L-BFGS finds a change that makes the network mistake it
    lbfgs_near        fraction for which that is less than half as far as the nearest image of another class, among
                      the samples that are attacked otherwise
    lbfgs_distortion  mean √(Σ (x' - x)² / n) of the changes found (arXiv:1312.6199, sec. 4.2)
    fgsm_distortion   mean over the samples that both can change, each with FGSM's smallest step that suffices
    distortion_ratio  that over the mean of L-BFGS for the same samples
    """
    attacks = task.attacks
    assert attacks is not None
    settings = attacks.least_change
    assert settings is not None
    names = settings.models or attacks.models
    if names and context.model_name not in names:
        return {}, None
    seeds = [_change(context, folder, attacks, settings) for folder in context.folders]
    if any(seed is None or not len(seed.rows) for seed in seeds):
        return {}, None
    seeds = [seed for seed in seeds if seed is not None]
    n, confidence = len(labels), context.confidence

    def fill(seed: Changes, values: np.ndarray) -> np.ndarray:
        filled = np.zeros(n)
        filled[seed.rows] = np.where(np.isfinite(values), values, 0.0)
        return filled

    metrics: dict[str, Measurement] = {}
    rows = [seed.rows for seed in seeds]
    for name in ("found", "near"):
        values = [fill(seed, getattr(seed, name)) for seed in seeds]
        means = [bootstrap.mean(v, r) for v, r in zip(values, rows, strict=True)]
        metrics[f"lbfgs_{name}"] = measure(means, confidence, n_binomial=effective_number(values, rows, bootstrap))
    found = [bootstrap.mean(fill(s, s.distortion), s.rows[s.found]) for s in seeds]
    both = [s.rows[s.found & np.isfinite(s.fgsm)] for s in seeds]
    one_step = [bootstrap.mean(fill(s, s.fgsm), r) for s, r in zip(seeds, both, strict=True)]
    of_the_same = [bootstrap.mean(fill(s, s.distortion), r) for s, r in zip(seeds, both, strict=True)]
    ratios = [a / np.where(b > 0, b, np.nan) for a, b in zip(one_step, of_the_same, strict=True)]
    for name, values in (("lbfgs_distortion", found), ("fgsm_distortion", one_step), ("distortion_ratio", ratios)):
        metrics[name] = measure(values, confidence)
    return metrics, seeds[0].example


def _change(context: EvaluationContext, folder: Path, attacks: Attacks, settings: LeastChange) -> Changes | None:
    device = device_for(context.workflow.accelerator)
    network = load_attacked(context, folder, device)
    if network is None:
        return None
    low, high = attacks.range
    with deterministic(context.model.training.threads):
        parts = list(first_samples(context, context.target, attacks.samples, device))
        everything = {name: torch.cat([part[name] for part, _ in parts]) for name in parts[0][0]}
        labels = torch.cat([part for _, part in parts])
        before = logits_of(network, everything)
        truth = labels.cpu().numpy()
        rows = np.flatnonzero(before.argmax(1)[: settings.samples] == truth[: settings.samples])
        if not len(rows):
            return Changes(rows, *[np.zeros(0, kind) for kind in (bool, float, float, bool)], example=None)
        at = torch.from_numpy(rows).to(device)
        images = {name: x[at] for name, x in everything.items()}
        others = before[rows]
        others[np.arange(len(rows)), truth[rows]] = -np.inf
        target = torch.from_numpy(others.argmax(1)).to(device)
        changed, found = least_change(network, images, target, low, high, settings.trials, settings.iterations)
        found, distortion = found.cpu().numpy(), _distance(changed, images)
        near = found & (distortion < NEAR * _to_other_class(everything, labels, at))
        one_step = _fgsm_distortion(network, images, labels[at], low, high)
        example = _example(images, changed, truth[rows], before[rows], logits_of(network, changed))
    return Changes(rows, found, distortion, one_step, near, example)


def _distance(first: Images, second: Images) -> np.ndarray:
    """√(Σ (x' - x)² / n) of each sample, over its n values of all groups: (batch,)."""
    away = torch.cat([(first[name] - second[name]).flatten(1) for name in first], 1).double()
    return away.square().mean(1).sqrt().cpu().numpy()


def _to_other_class(images: Images, labels: torch.Tensor, rows: torch.Tensor) -> np.ndarray:
    """The same distance of the samples at `rows` to the nearest sample with another label; infinite without any."""
    values = torch.cat([x.flatten(1) for x in images.values()], 1).double()
    distances = torch.cdist(values[rows], values) / values.shape[1] ** 0.5
    return distances.masked_fill(labels[rows][:, None] == labels, torch.inf).amin(1).cpu().numpy()


def _fgsm_distortion(network: nn.Module, images: Images, labels: torch.Tensor, low: float, high: float) -> np.ndarray:
    """Distortion by FGSM's smallest step that makes the network err on each sample, NaN where none does: (batch,)."""
    moved = fgsm(network, images, labels, 1.0, -np.inf, np.inf)
    signs = {name: moved[name] - x for name, x in images.items()}

    def step(sizes: np.ndarray) -> Images:
        factors = torch.from_numpy(sizes).to(labels.device)
        return {
            name: (x + factors.to(x.dtype).reshape(-1, *[1] * (x.ndim - 1)) * signs[name]).clamp(low, high)
            for name, x in images.items()
        }

    truth, width = labels.cpu().numpy(), (high - low) / STEPS
    least = np.full(len(truth), np.nan)
    for size in width * np.arange(1, STEPS + 1):
        errs = logits_of(network, step(np.full(len(truth), size))).argmax(1) != truth
        least[errs & np.isnan(least)] = size
        if not np.isnan(least).any():
            break
    below, enough = np.where(np.isnan(least), 0.0, least - width), np.where(np.isnan(least), 0.0, least)
    for _ in range(BISECTIONS):
        middle = (below + enough) / 2
        errs = logits_of(network, step(middle)).argmax(1) != truth
        below, enough = np.where(errs, below, middle), np.where(errs, middle, enough)
    return np.where(np.isnan(least), np.nan, _distance(step(enough), images))


def _example(
    images: Images, changed: Images, truth: np.ndarray, before: np.ndarray, after: np.ndarray
) -> dict[str, Any] | None:
    """The first image that is changed: both, what is added, and what the network says of each."""
    name, values = next(iter(images.items()))
    flipped = np.flatnonzero(after.argmax(1) != truth)
    if values.ndim != 4 or not len(flipped):
        return None
    k = int(flipped[0])
    first, last = values[k].cpu().numpy(), changed[name][k].cpu().numpy()
    return {
        "label": int(truth[k]),
        "distortion": round(float(np.sqrt(np.mean((last.astype(np.float64) - first) ** 2))), 4),
        "before": {"image": rounded(first), "class": int(before[k].argmax()), "confidence": confidence_of(before[k])},
        "change": rounded(last - first),
        "after": {"image": rounded(last), "class": int(after[k].argmax()), "confidence": confidence_of(after[k])},
    }
