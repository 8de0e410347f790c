"""On which features networks rely: how much worse they do when one feature is permuted among the samples.

Permutation importance (L. Breiman, Random forests, Machine Learning 45 (2001) 5; A. Fisher, C. Rudin and F. Dominici,
arXiv:1801.01489). A feature that another one stands in for has little of it, though both may matter.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bevatron.compute.numerics.devices import deterministic, device_for
from bevatron.config.loading.digest import seed_of
from bevatron.config.sections.performance import Importance
from bevatron.config.sections.task import Classification, Task
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.inspection.first_samples import (
    FirstSamples,
    InputFeature,
    features_of,
    read_first,
    take,
    values_of,
    with_values,
)
from bevatron.evaluate.inspection.integrated_gradients import measure_attributions
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.classes import signal_score
from bevatron.models.layers.inputs import Inputs
from bevatron.models.network import load_network

BATCH = 1_000
METRICS = {
    "classification": "AUC lost",
    "regression": "mean squared error gained / variance",
    "multi_label": "cross entropy gained",
}


def measure_importance(context: EvaluationContext, bootstrap: Bootstrap) -> dict[str, Any]:
    """Curves "importance" and, of networks with gradients, "attributions"; empty for a model that is not to be looked
    into, or reads images alone.

    importance: {"metric": what is measured, "samples", "base": its value for each seed, "features": [{"group",
    "feature", "worse": (n_seeds, repeats), by how much the metric gets worse, "error": of its mean}]}. The error is
    that of the samples, by event, of the seeds and of the permutations, in quadrature. All models and seeds see the
    same permutations. In a list a feature is permuted among all elements of all samples, and lists keep their lengths.
    """
    settings = context.study.evaluation.importance
    if settings is None or (settings.models and context.model_name not in settings.models) or not context.folders:
        return {}
    features = features_of(context.dataset.manifest, context.model.inputs)
    if not features:
        return {}
    device = device_for(context.workflow.accelerator)
    samples = read_first(context, settings.samples, device, BATCH)
    curves: dict[str, Any] = {}
    with deterministic(context.model.training.threads):
        curves["importance"] = _permute(context, settings, samples, features, bootstrap)
        if settings.steps:
            found = measure_attributions(context, settings, samples, features, bootstrap)
            curves |= {} if found is None else {"attributions": found}
    return curves


def _permute(
    context: EvaluationContext,
    settings: Importance,
    samples: FirstSamples,
    features: list[InputFeature],
    bootstrap: Bootstrap,
) -> dict[str, Any]:
    task, sha256 = context.study.task, context.dataset.manifest.sha256
    weights = None if bootstrap.sample_weights is None else bootstrap.sample_weights[: len(samples)]
    n_seeds, events = len(context.folders), np.unique(bootstrap.events[: len(samples)], return_inverse=True)[1]
    worse, sample_errors = np.zeros((len(features), n_seeds, settings.repeats)), np.zeros(len(features))
    influence = np.zeros((len(features), len(samples)))
    base = []
    for k, folder in enumerate(context.folders):
        network = load_network(folder).to(values_of(next(iter(samples.inputs.values()))).device)
        before = badness(task, predict_samples(network, samples.inputs, samples), samples.target, weights)
        base.append(before.value)
        for i, feature in enumerate(features):
            for repeat in range(settings.repeats):
                seed = seed_of("importance", sha256, feature.group, feature.name, repeat)
                moved = permuted(samples.inputs, feature, np.random.default_rng(seed))
                outputs = predict_samples(network, moved, samples)
                after = badness(task, outputs, samples.target, weights)
                worse[i, k, repeat] = after.value - before.value
                influence[i] += (after.influence - before.influence) / (n_seeds * settings.repeats)
    for i in range(len(features)):
        sample_errors[i] = np.sqrt((np.bincount(events, influence[i]) ** 2).sum())
    return {
        "metric": METRICS[task.kind],
        "samples": len(samples),
        "base": [_number(b) for b in base],
        "features": [
            {
                "group": f.group,
                "feature": f.name,
                "worse": [[_number(v) for v in of_seed] for of_seed in worse[i]],
                "error": _number(np.hypot(sample_errors[i], error_of_mean(worse[i]))),
            }
            for i, f in enumerate(features)
        ],
    }


def permuted(inputs: Inputs, feature: InputFeature, rng: np.random.Generator) -> Inputs:
    """The inputs with one feature in another order, over all samples or elements; the others stay as they are."""
    group = inputs[feature.group]
    values = values_of(group).clone()
    column = values.reshape(len(values), -1)
    order = torch.from_numpy(rng.permutation(len(values))).to(values.device)
    column[:, feature.column] = column[order, feature.column]
    return {**inputs, feature.group: with_values(group, column.reshape(values.shape))}


def predict_samples(network: torch.nn.Module, inputs: Inputs, samples: FirstSamples) -> np.ndarray:
    """A network's outputs for all samples: (n, n_outputs) float32."""
    n, device = len(samples), values_of(next(iter(inputs.values()))).device
    if n <= samples.at_once:
        with torch.inference_mode():
            return network(inputs).float().cpu().numpy()
    parts = [torch.arange(k, min(k + samples.at_once, n), device=device) for k in range(0, n, samples.at_once)]
    with torch.inference_mode():
        return np.concatenate([network(take(inputs, rows)).float().cpu().numpy() for rows in parts])


def error_of_mean(worse: np.ndarray) -> float:
    """Of the mean over seeds and permutations (n_seeds, repeats): the spread of the means of each, in quadrature."""
    variance = 0.0
    for axis in (0, 1):
        means = worse.mean(axis=1 - axis)
        variance += float(means.var(ddof=1)) / len(means) if len(means) > 1 else 0.0
    return float(np.sqrt(variance))


@dataclass(frozen=True)
class Badness:
    """A number, and how much each sample moves it: its influence (n,), the derivative by the sample's weight times that
    weight. The variance of the number is the sum, over independent events, of the square of what the samples of an
    event move together; of an AUC that is the variance of DeLong (Biometrics 44 (1988) 837), of clustered samples that
    of N. Obuchowski, Biometrics 53 (1997) 567.
    """

    value: float
    influence: np.ndarray


def badness(task: Task, outputs: np.ndarray, target: np.ndarray, weights: np.ndarray | None) -> Badness:
    """What a network should have little of: of a classification 1 - AUC of the signal against the rest, of labels their
    mean cross entropy, of a regression the mean squared error over the target's variance, mean over its numbers.

    weights: of the samples, or None. NaN where the samples do not suffice.
    """
    w = np.ones(len(target)) if weights is None else weights
    if isinstance(task, Classification):
        signal = task.classes.index(task.signal)
        area = weighted_auc(signal_score(outputs, signal), target == signal, w)
        return Badness(1 - area.value, -area.influence)
    outputs = outputs.astype(np.float64)
    if task.kind == "multi_label":
        losses = np.logaddexp(0.0, np.where(target > 0.5, -outputs, outputs)).mean(axis=1)
        value = float(w @ losses / w.sum())
        return Badness(value, w * (losses - value) / w.sum())
    truth = target.reshape(len(target), -1).astype(np.float64)
    mean = w @ truth / w.sum()
    squares, spread = (outputs[:, : truth.shape[1]] - truth) ** 2, (truth - mean) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):  # a target that does not vary
        ratio = (w @ squares) / (w @ spread)
        influence = (w[:, None] * (squares - ratio * spread) / (w @ spread)).mean(axis=1)
    return Badness(float(ratio.mean()), influence)


def weighted_auc(score: np.ndarray, signal: np.ndarray, weights: np.ndarray) -> Badness:
    """Probability that a signal sample, drawn by weight, has a higher score than a background one; equal ones count
    half. NaN where one of them has no weight.
    """
    step = np.unique(score, return_inverse=True)[1]
    of_signal, of_background = (np.bincount(step, weights * part) for part in (signal, ~signal))
    all_signal, all_background = of_signal.sum(), of_background.sum()
    if all_signal * all_background == 0:
        return Badness(np.nan, np.full(len(score), np.nan))
    below = (np.cumsum(of_background) - of_background / 2) / all_background  # of a sample of each step
    above = 1 - (np.cumsum(of_signal) - of_signal / 2) / all_signal
    value = float(of_signal @ below / all_signal)
    own = np.where(signal, (below[step] - value) / all_signal, (above[step] - value) / all_background)
    return Badness(value, weights * own)


def _number(value: float) -> float | None:
    return float(f"{value:.7g}") if np.isfinite(value) else None
