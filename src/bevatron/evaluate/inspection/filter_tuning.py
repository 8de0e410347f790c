"""How the filters of a network's first convolution respond to lines and edges of all orientations.

A filter w of k × k pixels sees a line, or an edge, at every angle θ and every distance d from its centre. Its response
at θ is the largest over d of w · x(θ, d), and not below zero, as behind a ReLU; of an edge, of which both sides may be
the bright one, the larger of both. Orientation selectivity is |Σ R(θ) exp(2 i θ)| / Σ R(θ), "one minus the circular
variance" (D. Ringach, R. Shapley and M. Hawken, J. Neurosci. 22 (2002) 5639; M. Mazurek, M. Kager and S. Van Hooser,
Front. Neural Circuits 8 (2014) 92): 1 for a response to a single orientation, 0 for none or for the same to all. Cells
that respond so were found by D. Hubel and T. Wiesel, J. Physiol. 160 (1962) 106.
"""

from typing import Any

import numpy as np
from torch import nn

from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.models.network import draw_network, load_network

ANGLES = np.arange(0.0, 180.0, 7.5)  # degrees, counter-clockwise from horizontal
STEP = 0.25  # pixels between two places of a line or an edge
WIDTH = 0.7  # pixels: standard deviation of a line across, and of the smooth step of an edge
RANDOM_FILTERS = 2_000
KINDS = ("lines", "edges")


def measure_filter_tuning(
    context: EvaluationContext, bootstrap: Bootstrap
) -> tuple[dict[str, Measurement], dict[str, Any]]:
    """Metrics and curves of all seeds. Of each seed, a metric is the mean over the first convolution's filters.

    orientation_selectivity.<lines or edges>  as trained
    initial_selectivity.<lines or edges>      as they were drawn before the training
    random_selectivity.<lines or edges>       of filters of the same size whose weights are independent and normal

    Curves, of the first seed: "angles" in degrees, "filters" (n, k, k), mean over channels, and by "lines" and "edges"
    the responses "initial" and "trained", (n, angles), in units of the filter's norm. The test split has no part in
    these numbers. Raises UserError for a network without a convolution.
    """
    trained, initial = [], []
    for folder, seed in zip(context.folders, context.seeds, strict=True):
        network = load_network(folder)
        trained.append(first_filters(network, context.model_name))
        initial.append(first_filters(draw_network(network.spec, seed), context.model_name))
    side = trained[0].shape[-1]
    random = np.random.default_rng(0).standard_normal((RANDOM_FILTERS, 1, side, side))
    metrics: dict[str, Measurement] = {}
    curves: dict[str, Any] = {"angles": ANGLES.tolist(), "filters": _round(trained[0].mean(1))}
    for kind in KINDS:
        same = float(selectivity(responses(random, kind)).mean())
        by_name = {
            "orientation_selectivity": [selectivity(responses(f, kind)).mean() for f in trained],
            "initial_selectivity": [selectivity(responses(f, kind)).mean() for f in initial],
            "random_selectivity": [same] * len(trained),
        }
        for name, values in by_name.items():
            constant = [np.full(bootstrap.replicas + 1, value) for value in values]
            metrics[f"{name}.{kind}"] = measure(constant, context.confidence)
        curves[kind] = {"initial": _round(_in_units(initial[0], kind)), "trained": _round(_in_units(trained[0], kind))}
    return metrics, curves


def first_filters(network: nn.Module, name: str) -> np.ndarray:
    """(filters, channels, k, k) of the first convolution. Raises UserError where there is none."""
    first = next((m for m in network.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None:
        raise UserError("evaluation.filter_tuning", f"the model '{name}' has no convolution", "take it away")
    return first.weight.detach().double().numpy()


def responses(filters: np.ndarray, kind: str) -> np.ndarray:
    """R(θ) of each filter at `ANGLES`: (filters, angles). filters: (filters, channels, k, k)."""
    side = filters.shape[-1]
    at_each = filters.sum(1).reshape(len(filters), -1) @ stimuli(side, kind).reshape(-1, side * side).T
    at_each = at_each.reshape(len(filters), len(ANGLES), -1)
    at_each = np.abs(at_each) if kind == "edges" else at_each
    return np.maximum(at_each.max(-1), 0.0)


def stimuli(side: int, kind: str) -> np.ndarray:
    """Images of lines of height 1, or of edges from -1/2 to 1/2: (angles, places, side, side)."""
    from scipy.special import ndtr

    middle = (side - 1) / 2
    row, column = np.mgrid[:side, :side]
    angle = np.deg2rad(ANGLES)[:, None, None]
    across = np.cos(angle) * (middle - row) - np.sin(angle) * (column - middle)  # rows count downwards
    places = np.arange(-middle, middle + STEP / 2, STEP)
    distance = (across[:, None] - places[:, None, None]) / WIDTH
    return ndtr(distance) - 0.5 if kind == "edges" else np.exp(-(distance**2) / 2)


def selectivity(response: np.ndarray) -> np.ndarray:
    """|Σ R exp(2 i θ)| / Σ R over the last axis; 0 of a filter that does not respond at all."""
    total = response.sum(-1)
    vector = np.abs(response @ np.exp(2j * np.deg2rad(ANGLES)))
    return np.divide(vector, total, out=np.zeros_like(total), where=total > 0)


def _in_units(filters: np.ndarray, kind: str) -> np.ndarray:
    """Responses of filters that are scaled to a norm of 1, so that the curves of a figure share an axis."""
    norm = np.sqrt((filters**2).sum((1, 2, 3), keepdims=True))
    return responses(filters / np.where(norm > 0, norm, 1.0), kind)


def _round(values: np.ndarray) -> list:
    return [[float(f"{v:.3g}") for v in row] if row.ndim == 1 else _round(row) for row in values]
