"""Trained classifiers under attack: how often they err on adversarial examples, and one of these to look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bevatron.compute.numerics.devices import deterministic, device_for
from bevatron.config.loading.digest import seed_of
from bevatron.config.sections.task import Attacks, Classification
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.predictions.batches import batches
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.models.layers.inputs import dense_group
from bevatron.models.network import load_network
from bevatron.training.attacks import Images, fgsm, pgd, random_signs

BATCH = 500
KINDS = ("fgsm", "pgd", "random")


@dataclass(frozen=True)
class Attacked:
    """One network's outputs for the first samples of the test split: logits (n, n_classes) by kind and ε."""

    clean: np.ndarray
    logits: dict[tuple[str, float], np.ndarray]
    example: dict[str, Any] | None


def attack_networks(
    task: Classification, context: EvaluationContext, labels: np.ndarray, bootstrap: Bootstrap
) -> tuple[dict[str, Measurement], dict[str, Any] | None]:
    """Metrics and curves of all seeds; none of a network that has no gradients, or reads lists.

    <kind>_error.at_<ε>  fraction of the samples that are not recognised when every value is changed by up to ε, along
                         the gradient's sign (fgsm), in the worst direction that 20 steps find (pgd), or at random
    flipped.at_<ε>       fraction of the samples recognised before that FGSM makes the network mistake
    random_flipped.at_<ε>  the same for random signs
    attack_gain.at_<ε>   how far FGSM moves the margin of the true class, over how far random signs do; of a linear
                         network of n inputs it grows like √n (arXiv:1412.6572, sec. 3)
    """
    settings, confidence = task.attacks, context.confidence
    if settings is None or (settings.models and context.model_name not in settings.models):
        return {}, None
    attacked = [_attack(context, context.target, folder, settings) for folder in context.folders]
    seeds = [seed for seed in attacked if seed is not None]
    if len(seeds) < len(attacked):
        return {}, None
    n = len(seeds[0].clean)
    rows, truth = np.arange(n), labels[:n]

    def fractions(of_seed: list[np.ndarray], among: list[np.ndarray] | None = None) -> Measurement:
        among = among or [rows] * len(of_seed)
        values = [bootstrap.mean(pad(v, len(labels)), r) for v, r in zip(of_seed, among, strict=True)]
        return measure(values, confidence, n_binomial=effective_number(of_seed, among, bootstrap))

    metrics: dict[str, Measurement] = {"attacked_clean_error": fractions([_is_wrong(s.clean, truth) for s in seeds])}
    curves: dict[str, Any] = {"epsilon": settings.epsilons, "clean": metrics["attacked_clean_error"].value}
    for kind in KINDS:
        for epsilon in settings.epsilons:
            wrong = [_is_wrong(s.logits[kind, epsilon], truth) for s in seeds]
            metrics[f"{kind}_error.at_{epsilon:g}"] = fractions(wrong)
        errors = [metrics[f"{kind}_error.at_{epsilon:g}"] for epsilon in settings.epsilons]
        curves[kind] = {"value": [m.value for m in errors], "error": [m.error for m in errors]}
    for epsilon in settings.epsilons:
        right = [np.flatnonzero(_is_wrong(s.clean, truth) == 0) for s in seeds]
        for name, kind in (("flipped", "fgsm"), ("random_flipped", "random")):
            wrong = [_is_wrong(s.logits[kind, epsilon], truth) for s in seeds]
            metrics[f"{name}.at_{epsilon:g}"] = fractions(wrong, right)
        gains = []
        for s in seeds:
            before = _margin(s.clean, truth)
            moved = [np.abs(_margin(s.logits[kind, epsilon], truth) - before) for kind in ("fgsm", "random")]
            far, near = (bootstrap.mean(pad(m, len(labels)), rows) for m in moved)
            gains.append(far / np.where(near > 0, near, np.nan))
        metrics[f"attack_gain.at_{epsilon:g}"] = measure(gains, confidence)
    return metrics, curves | {"example": seeds[0].example}


def effective_number(of_seed: list[np.ndarray], among: list[np.ndarray], bootstrap: Bootstrap) -> float:
    """Of how many independent samples a fraction is that each seed takes among some of its own; at least 1."""
    n = max(1, min(map(len, among)))
    if not bootstrap.is_clustered and bootstrap.sample_weights is None:
        return n
    hits, counted = np.zeros((2, len(bootstrap)))
    for values, rows in zip(of_seed, among, strict=True):
        hits[rows] += values[rows]
        counted[rows] += 1
    fraction = np.divide(hits, counted, out=np.zeros_like(hits), where=counted > 0)
    counted /= len(of_seed)
    if bootstrap.sample_weights is not None:
        return max(1.0, bootstrap.effective_size(fraction, counted))
    return max(1.0, n * bootstrap.effective_size(fraction, counted) / max(counted.sum(), 1.0))


def _attack(context: EvaluationContext, target: str, folder: Path, settings: Attacks) -> Attacked | None:
    device = device_for(context.workflow.accelerator)
    network = load_attacked(context, folder, device)
    if network is None:
        return None
    clean, logits, example = [], {(k, e): [] for k in KINDS for e in settings.epsilons}, None
    low, high = settings.range
    with deterministic(context.model.training.threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("attacks", context.dataset.manifest.sha256))
        for inputs, labels in first_samples(context, target, settings.samples, device):
            clean.append(logits_of(network, inputs))
            for epsilon in settings.epsilons:
                changed = {
                    "fgsm": fgsm(network, inputs, labels, epsilon, low, high),
                    "pgd": pgd(network, inputs, labels, epsilon, low, high, settings.steps),
                    "random": random_signs(inputs, epsilon, low, high),
                }
                for kind, moved in changed.items():
                    logits[kind, epsilon].append(logits_of(network, moved))
                example = example or _example(
                    inputs, changed["fgsm"], clean[-1], logits["fgsm", epsilon][-1], labels, epsilon
                )
    return Attacked(np.concatenate(clean), {k: np.concatenate(v) for k, v in logits.items()}, example)


def load_attacked(context: EvaluationContext, folder: Path, device: torch.device) -> nn.Module | None:
    """The trained network of one seed, its weights fixed; None of one that has no gradients, or reads lists."""
    if any(context.dataset.manifest.groups[name].layout == "ragged" for name in context.model.inputs):
        return None
    network = load_network(folder).to(device)
    if not any(weights.requires_grad for weights in network.parameters()):
        return None
    return network.requires_grad_(False)


def first_samples(
    context: EvaluationContext, target: str, maximum: int, device: torch.device
) -> Iterator[tuple[Images, Tensor]]:
    """The first samples of the test split, and their class numbers."""
    left = maximum
    for inputs, targets in batches(context, "test", [target], device, BATCH):
        yield {name: dense_group(inputs, name)[:left] for name in inputs}, targets[target][:left].long()
        left -= len(targets[target])
        if left <= 0:
            return


def logits_of(network: nn.Module, inputs: Images) -> np.ndarray:
    """(batch, n_classes) float64."""
    with torch.no_grad():
        return network(inputs).double().cpu().numpy()


def _example(
    inputs: Images, changed: Images, clean: np.ndarray, logits: np.ndarray, labels: Tensor, epsilon: float
) -> dict[str, Any] | None:
    """The first image that is recognised until it is changed: both, the change, and what the network says of each."""
    name, images = next(iter(inputs.items()))
    if images.ndim != 4:
        return None
    truth = labels.cpu().numpy()
    flipped = np.flatnonzero((clean.argmax(1) == truth) & (logits.argmax(1) != truth))
    if not len(flipped):
        return None
    k = int(flipped[0])
    before, after = images[k].cpu().numpy(), changed[name][k].cpu().numpy()
    return {
        "epsilon": epsilon,
        "label": int(truth[k]),
        "before": {"image": rounded(before), "class": int(clean[k].argmax()), "confidence": confidence_of(clean[k])},
        "sign": np.sign(np.round(after - before, 6)).astype(int).tolist(),
        "after": {"image": rounded(after), "class": int(logits[k].argmax()), "confidence": confidence_of(logits[k])},
    }


def confidence_of(logits: np.ndarray) -> float:
    """The probability (softmax) of the class that a sample is taken for; logits (n_classes,)."""
    shifted = np.exp(logits - logits.max())
    return round(float(shifted.max() / shifted.sum()), 4)


def _is_wrong(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return (logits.argmax(1) != truth).astype(np.float64)


def _margin(logits: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Output of the true class less the largest of the others."""
    rows = np.arange(len(truth))
    others = logits.copy()
    others[rows, truth] = -np.inf
    return logits[rows, truth] - others.max(1)


def pad(values: np.ndarray, n: int) -> np.ndarray:
    """Values of the first samples (m,) for all n of the split, zero for the others."""
    return np.pad(values, (0, n - len(values)))


def rounded(image: np.ndarray) -> list:
    """An image's values to three digits, for JSON."""
    return np.round(image.astype(np.float64), 3).tolist()
