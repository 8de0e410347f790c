"""What the one latent dimension of an auto-encoder is: whether it is an invariant, and whether it shows particles."""

from typing import Any

import numpy as np
import torch

from bevatron.config.sections.task import Invariant
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.inspection.representation import encode
from bevatron.evaluate.predictions.batches import batches
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.rank_agreement import rank_agreement, rank_correlation, ranks
from bevatron.evaluate.statistics.ranking import Ranking
from bevatron.evaluate.statistics.series import Series
from bevatron.models.layers.inputs import dense_group
from bevatron.models.network import load_network

SPLITS = ("train", "test")
AT_ONCE = 2_000
PEAK_BINS = 40  # of equally many training samples each
DRAWN_BINS = 60  # of a spectrum in the figure
DRAWN_SAMPLES = 400


def measure_invariant(
    settings: Invariant, context: EvaluationContext, bootstrap: Bootstrap
) -> tuple[Series, dict[str, Any]]:
    """Metrics of the networks with one latent dimension h, and the curves of the figure; nothing of other networks.

    latent_rank       |Spearman's correlation| of h with the true number: 1 if h is a monotonic function of it
    latent_agreement  of h from two views of each sample, the fraction of the variance that is between samples: 1 if h
                      does not depend on the view
    latent_peak       area under the ROC curve of signal against background by h (`peak_area`)
    component_peak    the same by a single input, the one that does best on the training split
    truth_peak        the same by the true number
    """
    if not all(hasattr(load_network(folder).architecture, "encode") for folder in context.folders):
        return Series({}), {}
    _check_targets(settings, context)
    inputs, truth, label = {}, {}, {}
    for split in SPLITS:
        inputs[split], truth[split], label[split] = _read(settings, context, split)
    rank, agreement, peak, views = [], [], [], []
    for folder in context.folders:
        h = {split: encode(context, folder, split, settings.truth)[0] for split in SPLITS}
        if h["test"].shape[1] != 1:
            return Series({}), {}
        latent = {split: values[:, 0] for split, values in h.items()}
        other = encode(context, folder, "test", settings.truth, settings.views)[0][:, 0]
        rank.append(np.abs(rank_correlation(latent["test"], truth["test"], bootstrap)))
        agreement.append(rank_agreement(latent["test"], other, bootstrap))
        peak.append(peak_area(latent, label, bootstrap))
        views.append((latent["test"], other))
    best = best_component(inputs["train"], label["train"])
    component = {split: values[:, best] for split, values in inputs.items()}
    series = {
        "latent_rank": rank,
        "latent_agreement": agreement,
        "latent_peak": peak,
        "component_peak": [peak_area(component, label, bootstrap)] * len(peak),
        "truth_peak": [peak_area(truth, label, bootstrap)] * len(peak),
    }
    name, unit = _component_names(context)[best]
    curves = {
        "truth": settings.truth,
        "component": name,
        "unit": unit,
        "spectra": {
            "truth": _spectrum(truth["test"], label["test"], bootstrap),
            "latent": _spectrum(_oriented(views[0][0], truth["test"]), label["test"], bootstrap),
            "component": _spectrum(component["test"], label["test"], bootstrap),
        },
        "points": _points(truth["test"], *views[0]),
    }
    return Series(series), {"invariant": curves}


def peak_area(number: dict[str, np.ndarray], label: dict[str, np.ndarray], bootstrap: Bootstrap) -> np.ndarray:
    """How well a number tells signal (label above 0) from background where it peaks: (replicas + 1,).

    The area under the ROC curve on the test split of the score s / n: the fraction of signal among the training samples
    of the same bin, all of which count alike. Bins hold equally many training samples, so that any monotonic function
    of the number has the same area: 0.5 if signal and background are distributed alike, NaN without either. number,
    label (n,) by split.
    """
    edges = np.quantile(number["train"], np.linspace(0, 1, PEAK_BINS + 1)[1:-1])
    bins = {split: np.searchsorted(edges, values) for split, values in number.items()}
    n = np.bincount(bins["train"], minlength=PEAK_BINS)
    signal = np.bincount(bins["train"], label["train"] > 0, minlength=PEAK_BINS)
    score = (signal / np.maximum(n, 1))[bins["test"]]
    return Ranking(score, label["test"] > 0, label["test"] == 0).auc(bootstrap)


def best_component(inputs: np.ndarray, label: np.ndarray) -> int:
    """The input whose distributions of signal and background differ most, by the same bins."""
    difference = []
    for values in inputs.T:
        edges = np.quantile(values, np.linspace(0, 1, PEAK_BINS + 1)[1:-1])
        bins = np.searchsorted(edges, values)
        counts = [np.bincount(bins[of], minlength=PEAK_BINS) for of in (label > 0, label == 0)]
        difference.append(np.abs(counts[0] / max(counts[0].sum(), 1) - counts[1] / max(counts[1].sum(), 1)).sum())
    return int(np.argmax(difference))


def _check_targets(settings: Invariant, context: EvaluationContext) -> None:
    manifest, path = context.dataset.manifest, context.dataset.manifest_path
    for word, names, known in (
        ("target", (settings.truth, settings.label), manifest.targets),
        ("input group", settings.views.values(), manifest.groups),
    ):
        for name in names:
            if name not in known:
                raise UserError(path, f"has no {word} '{name}'", f"fix task.invariant; it has: {', '.join(known)}")


def _read(settings: Invariant, context: EvaluationContext, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a split the inputs (n, k), the true number (n,) and the label (n,)."""
    inputs, truth, label = [], [], []
    targets = [settings.truth, settings.label]
    for groups, of in batches(context, split, targets, torch.device("cpu"), AT_ONCE):
        columns = [dense_group(groups, name).flatten(1) for name in context.model.inputs]
        inputs.append(torch.cat(columns, dim=1).double().numpy())
        truth.append(of[settings.truth].double().numpy())
        label.append(of[settings.label].numpy())
    return np.concatenate(inputs), np.concatenate(truth).reshape(-1), np.concatenate(label)


def _component_names(context: EvaluationContext) -> list[tuple[str, str]]:
    """Name and unit of each input, in the order of `_read`."""
    groups = [context.dataset.manifest.groups[name] for name in context.model.inputs]
    return [pair for group in groups for pair in zip(group.features, group.units, strict=True)]


def _oriented(latent: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """H or -h, whichever rises with the true number: a network's choice between them means nothing."""
    return latent if np.corrcoef(ranks(latent), ranks(truth))[0, 1] >= 0 else -latent


def _spectrum(number: np.ndarray, label: np.ndarray, bootstrap: Bootstrap) -> dict[str, Any]:
    """Histogram of each class, but for the outermost hundredth of the samples on both sides."""
    low, high = np.quantile(number, (0.01, 0.99))
    edges = np.linspace(float(low), float(high), DRAWN_BINS + 1)
    counts = {str(k): bootstrap.histogram(number, edges, label == k)[0].tolist() for k in np.unique(label)}
    return {"edges": edges.tolist(), "counts": counts}


def _points(truth: np.ndarray, latent: np.ndarray, other: np.ndarray) -> dict[str, list[float]]:
    """The first samples: the true number, and h from both views."""
    sign = 1.0 if _oriented(latent, truth) is latent else -1.0
    shown = {"truth": truth, "latent": sign * latent, "other": sign * other}
    return {name: [float(f"{v:.5g}") for v in values[:DRAWN_SAMPLES]] for name, values in shown.items()}
