"""Discriminants of a classifier, and efficiency and rejection in bins of a variable, at fixed signal efficiency."""

from typing import Any

import numpy as np

from bevatron.config.sections.performance import Discriminant, VariableProfile
from bevatron.config.sections.task import Classification
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.classes import discriminant_score, tagging_score
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.evaluate.statistics.ranking import Ranking
from bevatron.evaluate.statistics.roc import roc_curve
from bevatron.evaluate.statistics.working_point import bin_edges, bin_numbers, cut_at, fractions_in_bins, passing, plain

BINS = 60  # of a discriminant's distribution
TAIL = 0.001  # fraction of the samples beyond each end of it


def measure_tagging(
    task: Classification, logits: np.ndarray, labels: np.ndarray, bootstrap: Bootstrap, context: EvaluationContext
) -> tuple[dict[str, Measurement], dict[str, Any]]:
    """Metrics rejection.<background>.at_<percent>.by_<discriminant>, those in the bins of profiles that are to have
    some, and the curves of what the study asks for.

    discriminants  by name {"signal", "fractions", "roc": as that of the task, "score": its distribution by class,
                   "cuts": by efficiency in per cent the cut of each seed}
    profiles       by name {"edges", "unit", "by": the discriminant or None, "signal", "samples": {class: in each bin},
                   "left_out": samples in no bin, "points": by efficiency in per cent and by kind of cut {class:
                   fraction that passes}}
    """
    settings, metrics, curves = context.study.evaluation, {}, {}
    scores: dict[str, list[np.ndarray]] = {}
    for name, discriminant in settings.discriminants.items():
        signal = discriminant.signal or task.signal
        fractions = discriminant.normalised()
        scores[name] = [discriminant_score(x, task.classes, signal, fractions) for x in logits]
        found, curve = _measure_discriminant(task, discriminant, scores[name], labels, bootstrap, context)
        metrics |= {f"{key}.by_{name}": measurement for key, measurement in found.items()}
        curves.setdefault("discriminants", {})[name] = curve
    if settings.profiles:
        by = next(iter(settings.discriminants), None)
        signal = task.signal if by is None else settings.discriminants[by].signal or task.signal
        ranked = scores[by] if by is not None else [tagging_score(task, x) for x in logits]
        columns = TestColumns(context.dataset)
        for name, profile in settings.profiles.items():
            x, unit = read_variable(columns, profile)
            curve = profile_curve(task, profile, x, signal, ranked, labels, bootstrap, settings.working_points,
                                  context.confidence)  # fmt: skip
            curves.setdefault("profiles", {})[name] = {"unit": unit, "by": by, "signal": signal, **curve}
            if profile.metrics:
                edges = np.array(curve["edges"])
                bins, n_bins = bin_numbers(x, edges), len(edges) - 1
                for efficiency in settings.working_points:
                    own = labels == task.classes.index(signal)
                    passed = passing(ranked, own, bins, n_bins, efficiency, bootstrap.sample_weights)["global"]
                    measured = measure_in_bins(
                        passed, labels, task.classes, bins, n_bins, bootstrap, context.confidence
                    )
                    metrics |= {
                        f"passing.{of_class}.at_{100 * efficiency:g}.{name}_{number}": measurement
                        for (of_class, number), measurement in measured.items()
                    }
    return metrics, curves


def read_variable(columns: TestColumns, profile: VariableProfile) -> tuple[np.ndarray, str]:
    """The profile's variable of each test sample, (n,) float64, and its unit."""
    if profile.observer is not None:
        x, unit = columns.observer(profile.observer).astype(np.float64), profile.unit
    else:
        assert profile.group is not None
        assert profile.feature is not None
        x = columns.feature(profile.group, profile.feature)
        unit = columns.unit(profile.group, profile.feature)
    return (np.abs(x) if profile.absolute else x), unit


def profile_curve(
    task: Classification,
    profile: VariableProfile,
    x: np.ndarray,
    signal: str,
    scores: list[np.ndarray],
    labels: np.ndarray,
    bootstrap: Bootstrap,
    working_points: list[float],
    confidence: float,
) -> dict[str, Any]:
    """Of one variable x (n,): bins, samples in them, and of each class what passes the cuts on `scores`, (n,) of each
    seed.
    """
    edges = bin_edges(x, profile.bins, profile.n_bins)
    bins, n_bins = bin_numbers(x, edges), len(edges) - 1
    of_class = {name: labels == k for k, name in enumerate(task.classes)}
    points = {}
    for efficiency in working_points:
        passed = passing(scores, of_class[signal], bins, n_bins, efficiency, bootstrap.sample_weights)
        points[f"{100 * efficiency:g}"] = {
            kind: {
                name: fractions_in_bins(of_seeds, rows, bins, n_bins, bootstrap, confidence)
                for name, rows in of_class.items()
            }
            for kind, of_seeds in passed.items()
        }
    return {
        "edges": edges.tolist(),
        "samples": {
            name: np.bincount(bins[rows & (bins >= 0)], minlength=n_bins).tolist() for name, rows in of_class.items()
        },
        "left_out": int((bins < 0).sum()),
        "points": points,
    }


def measure_in_bins(
    passed: list[np.ndarray],
    labels: np.ndarray,
    classes: list[str],
    bins: np.ndarray,
    n_bins: int,
    bootstrap: Bootstrap,
    confidence: float,
) -> dict[tuple[str, int], Measurement]:
    """By class and bin, counted from 1, the fraction of its samples that pass, where there are some.

    passed: of each seed (n,) float64, 1, 0 or NaN; bins (n,) int64, -1: none. In the bootstrap the cut stays.
    """
    cell = np.where(bins < 0, -1, labels * n_bins + bins)
    n_cells = len(classes) * n_bins

    def columns(block: slice) -> np.ndarray:
        inside = (cell[block, None] == np.arange(n_cells)).astype(np.float64)
        return np.concatenate([inside, *(inside * p[block, None] for p in passed)], axis=1)

    sums = bootstrap.sums(columns).reshape(-1, 1 + len(passed), n_cells)
    share = np.mean(passed, axis=0)
    found = {}
    for k in range(n_cells):
        rows = cell == k
        if bootstrap.total(rows) > 0 and not np.isnan(share[rows]).any():
            with np.errstate(invalid="ignore", divide="ignore"):
                fractions = [sums[:, 1 + seed, k] / sums[:, 0, k] for seed in range(len(passed))]
            size = bootstrap.effective_size(share, rows)
            found[classes[k // n_bins], k % n_bins + 1] = measure(fractions, confidence, n_binomial=size)
    return found


def _measure_discriminant(
    task: Classification,
    discriminant: Discriminant,
    scores: list[np.ndarray],
    labels: np.ndarray,
    bootstrap: Bootstrap,
    context: EvaluationContext,
) -> tuple[dict[str, Measurement], dict[str, Any]]:
    signal = discriminant.signal or task.signal
    of_class = {name: labels == k for k, name in enumerate(task.classes)}
    points, metrics = context.study.evaluation.working_points, {}
    backgrounds = [name for name in task.classes if name != signal]
    for name in backgrounds:
        ranked = [Ranking(score, of_class[signal], of_class[name]) for score in scores]
        rejections = [ranking.rejection(bootstrap, points) for ranking in ranked]
        for i, efficiency in enumerate(points):
            metrics[f"rejection.{name}.at_{100 * efficiency:g}"] = measure(
                [r[:, i] for r in rejections], context.confidence
            )
    w = bootstrap.sample_weights
    own = None if w is None else w[of_class[signal]]
    curve = {
        "signal": signal,
        "fractions": discriminant.normalised(),
        "roc": roc_curve(signal, scores, of_class, bootstrap, context.confidence),
        "score": _distribution(scores, of_class, bootstrap),
        "cuts": {
            f"{100 * e:g}": plain(np.array([cut_at(score[of_class[signal]], e, own) for score in scores]))
            for e in points
        },
    }
    return metrics, curve


def _distribution(scores: list[np.ndarray], of_class: dict[str, np.ndarray], bootstrap: Bootstrap) -> dict[str, Any]:
    """Fraction of each class in equal bins, and the errors of `Bootstrap.histogram`, both mean over the seeds; and the
    fraction of all samples that lies outside.
    """
    together = np.concatenate(scores)
    low, high = np.quantile(together, [TAIL, 1 - TAIL])
    if low >= high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    classes, errors = {}, {}
    for name, rows in of_class.items():
        total = bootstrap.total(rows)
        filled = [bootstrap.histogram(score, edges, rows) for score in scores]
        contents, of_contents = (np.mean([pair[i] for pair in filled], axis=0) for i in (0, 1))
        scale = 1 / total if total > 0 else np.nan
        classes[name], errors[name] = plain(contents * scale), plain(of_contents * scale)
    outside = float(((together < low) | (together > high)).mean())
    return {"edges": plain(edges), "classes": classes, "errors": errors, "outside": outside}
