"""How much each feature adds to a network's output: integrated gradients.

M. Sundararajan, A. Taly and Q. Yan, Axiomatic attribution for deep networks, arXiv:1703.01365. The baseline is the
average sample: each feature at its mean in the training split, lists as long as they are. What the features of a sample
get adds up to the output for it less that for the baseline ("completeness"), but for the error of the quadrature, which
is measured.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bevatron.config.sections.performance import Importance
from bevatron.config.sections.task import Classification
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.inspection.first_samples import FirstSamples, InputFeature, take, values_of, with_values
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import measure
from bevatron.models.layers.inputs import Inputs
from bevatron.models.network import load_network
from bevatron.store.readers.batch import RaggedBatch

AT_ONCE = 250  # samples of which gradients are in memory


def measure_attributions(
    context: EvaluationContext,
    settings: Importance,
    samples: FirstSamples,
    features: list[InputFeature],
    bootstrap: Bootstrap,
) -> dict[str, Any] | None:
    """Mean absolute attribution of each feature, of a list that of its elements together; None without gradients.

    {"of": the output in words, "samples", "incomplete": mean over samples and seeds of |sum of attributions - change of
    the output| over the mean |change|, "features": [{"group", "feature", "value", "error", "per_seed"}]}. The error is
    of the samples, by the bootstrap, and of the mean over the seeds.
    """
    n, manifest = len(samples), context.dataset.manifest
    baseline = {
        name: torch.tensor([manifest.statistics[name][f].mean for f in manifest.groups[name].features])
        for name in dict.fromkeys(feature.group for feature in features)
    }
    weights = None if bootstrap.sample_weights is None else bootstrap.sample_weights[:n]
    of_samples = Bootstrap(bootstrap.events[:n], bootstrap.replicas, manifest.sha256, weights)
    of_seeds, missed, moved = [], 0.0, 0.0
    for folder in context.folders:
        network = load_network(folder).to(values_of(next(iter(samples.inputs.values()))).device).requires_grad_(False)
        parts = []
        for start in range(0, n, min(AT_ONCE, samples.at_once)):
            rows = torch.arange(start, min(start + min(AT_ONCE, samples.at_once), n))
            inputs = take(samples.inputs, rows.to(values_of(next(iter(samples.inputs.values()))).device))
            part = integrated_gradients(_Score(context, network), inputs, baseline, settings.steps)
            if part is None:
                return None
            parts.append(part)
        attributions = {name: np.concatenate([part[0][name] for part in parts]) for name in baseline}
        change = np.concatenate([part[1] for part in parts])
        missed += float(np.abs(sum(a.sum(axis=1) for a in attributions.values()) - change).mean())
        moved += float(np.abs(change).mean())
        table = np.stack([attributions[f.group][:, f.column] for f in features], axis=1)
        of_seeds.append(of_samples.mean(np.abs(table)))
    measured = [measure([seed[:, k] for seed in of_seeds], context.confidence) for k in range(len(features))]
    return {
        "of": _Score.words(context),
        "samples": n,
        "incomplete": float(f"{missed / moved:.4g}") if moved > 0 else None,
        "features": [
            {"group": f.group, "feature": f.name, "value": m.value, "error": m.error, "per_seed": list(m.per_seed)}
            for f, m in zip(features, measured, strict=True)
        ],
    }


class _Score:
    """One number of each sample from the network's outputs: the signal's log odds, or the first output."""

    def __init__(self, context: EvaluationContext, network: nn.Module):
        task = context.study.task
        self._network = network
        self._signal = task.classes.index(task.signal) if isinstance(task, Classification) else None

    def __call__(self, inputs: Inputs) -> Tensor:
        outputs = self._network(inputs)
        if self._signal is None:
            return outputs[:, 0]
        others = [k for k in range(outputs.shape[1]) if k != self._signal]
        return outputs[:, self._signal] - torch.logsumexp(outputs[:, others], dim=1)

    @staticmethod
    def words(context: EvaluationContext) -> str:
        """What the number is."""
        task, names = context.study.task, context.target_info.names
        if isinstance(task, Classification):
            return f"log odds of {task.signal}"
        return f"log odds of {names[0]}" if task.kind == "multi_label" else names[0] if names else context.target


def integrated_gradients(
    score: Any, inputs: Inputs, baseline: dict[str, Tensor], steps: int
) -> tuple[dict[str, np.ndarray], np.ndarray] | None:
    """Attributions of each sample by group, (n, n_features) float64, those of a list's elements summed; and the change
    of the score from the baseline to the sample (n,). None of a score without gradients.

    score: inputs to (n,); baseline: by group what stands for each of its features (n_features,). Groups without one
    keep their values. The integral along the straight line is a Gauss-Legendre sum of `steps` points.
    """
    nodes, shares = np.polynomial.legendre.leggauss(steps)
    ends = {name: values_of(inputs[name]).detach() for name in baseline}
    starts = {name: baseline[name].to(end).reshape(1, -1).expand(end.shape) for name, end in ends.items()}
    sums = {name: torch.zeros_like(end, dtype=torch.float64) for name, end in ends.items()}

    def at(share: float) -> dict[str, Tensor]:
        return {name: starts[name] + share * (end - starts[name]) for name, end in ends.items()}

    def among(values: dict[str, Tensor]) -> Inputs:
        return {**inputs, **{name: with_values(inputs[name], v) for name, v in values.items()}}

    # Backwards through an LSTM in evaluation mode is something that cuDNN cannot do, and PyTorch's own kernels can.
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False, deterministic=True):
        for node, share in zip(nodes, shares, strict=True):
            values = {name: v.requires_grad_() for name, v in at((node + 1) / 2).items()}
            total = score(among(values)).sum()
            if not total.requires_grad:
                return None
            gradients = torch.autograd.grad(total, list(values.values()), allow_unused=True)
            for name, gradient in zip(values, gradients, strict=True):
                if gradient is not None:
                    sums[name] += share / 2 * gradient.double()
    with torch.no_grad():
        change = score(among(at(1.0))).double() - score(among(at(0.0))).double()
    found = {}
    for name, total in sums.items():
        of_values = (total * (ends[name] - starts[name]).double()).cpu().numpy()
        group = inputs[name]
        if isinstance(group, RaggedBatch):
            lengths = group.lengths.cpu().numpy()
            sample = np.repeat(np.arange(len(lengths)), lengths)
            of_values = np.stack([np.bincount(sample, v, len(lengths)) for v in of_values.T], axis=1)
        found[name] = of_values.reshape(len(change), -1)
    return found, change.cpu().numpy()
