"""Metrics and curves of networks that give images back without their noise."""

from typing import Any

import numpy as np

from bevatron.config.sections.model import Model
from bevatron.config.sections.task import Reconstruction
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EvaluationContext, Predictions, evaluation
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.store.shards.contract import TargetInfo

DRAWN = 4  # samples in the images


@evaluation("reconstruction")
class ReconstructionEvaluation:
    """How much noise is left, how much of the input's noise is copied, and what the latent dimensions know."""

    def targets(self, task: Reconstruction, model: Model) -> list[str]:
        """As the interface says: the image without noise, and the one that is learned where it has noise."""
        return list(dict.fromkeys([_truth(task, model), model.target or task.target]))

    def outputs(self, task: Reconstruction, target: TargetInfo) -> tuple[int | None, ...]:
        """As the interface says: the pixels of an image in a row, however many."""
        return (None,)

    def metrics(
        self, task: Reconstruction, predictions: Predictions, bootstrap: Bootstrap, context: EvaluationContext
    ) -> tuple[dict[str, Measurement], dict[str, Any]]:
        """Those of `reconstruction_metrics`, `explained`, and with true parameters probe and probe.<k>; curves: example
        images.
        """
        model, confidence = context.model, context.confidence
        target = _truth(task, model)
        clean, noisy = predictions.targets[target].astype(np.float64), _inputs(context)
        if noisy.shape != clean.shape:
            found, expected = (" × ".join(map(str, images.shape[1:])) for images in (noisy, clean))
            what = f"{' and '.join(model.inputs)} together are {found}, the target '{target}' is {expected}"
            raise UserError(context.dataset.manifest_path, what, "let the model read the noisy target")
        n = len(clean)
        metrics = reconstruction_metrics(
            predictions.outputs, clean.reshape(n, -1), noisy.reshape(n, -1), bootstrap, confidence
        )
        learned = predictions.targets[model.target or task.target].astype(np.float64).reshape(n, -1)
        metrics["explained"] = measure(explained_variance(predictions.outputs, learned, bootstrap), confidence)
        parameters = task.parameters.get(target)
        if parameters is not None:
            metrics |= _probes(context, parameters, bootstrap, confidence)
        return metrics, {
            "latent": getattr(model.architecture, "latent", None),
            "target": target,
            "examples": _examples(predictions.outputs[0], clean, noisy),
        }


def _truth(task: Reconstruction, model: Model) -> str:
    """The clean target; a model that learns from noisy images alone is compared with it too."""
    target = model.target or task.target
    return task.truth.get(target, target)


def reconstruction_metrics(
    outputs: np.ndarray, clean: np.ndarray, noisy: np.ndarray, bootstrap: Bootstrap, confidence: float
) -> dict[str, Measurement]:
    """By name; outputs (n_seeds, n, pixels), clean and noisy (n, pixels), in one unit.

    mse             mean square of output - clean, over pixels and samples
    psnr            10 log10(peak² / mse) in dB, peak the largest clean pixel of the test split
    mse_over_noise  mse / mean square of noisy - clean: 1 where nothing is removed, 0 where all is
    noise_copied    slope of output - clean on noisy - clean, over all pixels: 1 of a network that copies its input,
                    0 of one whose output knows nothing of the noise
    """
    noise = noisy - clean
    noise_square = (noise**2).mean(1)
    peak = float(clean.max())
    missed = [o.astype(np.float64) - clean for o in outputs]
    mse = [bootstrap.mean((m**2).mean(1)) for m in missed]
    of_noise = bootstrap.mean(noise_square)
    with np.errstate(divide="ignore", invalid="ignore"):  # no noise: no such ratio
        series = {
            "mse": mse,
            "psnr": [10.0 * np.log10(peak**2 / m) for m in mse],
            "mse_over_noise": [m / of_noise for m in mse],
            "noise_copied": [bootstrap.mean((m * noise).mean(1)) / of_noise for m in missed],
        }
    units = {"psnr": "dB"}
    return {name: measure(values, confidence, units.get(name, "")) for name, values in series.items()}


def explained_variance(outputs: np.ndarray, learned: np.ndarray, bootstrap: Bootstrap) -> list[np.ndarray]:
    """For each seed 1 - Σ (target - output)² / Σ (target - its mean)² over samples and pixels, (replicas + 1,).

    The target is the one that the network learned to give back, noise included. With principal components it is the
    fraction of the variance along their axes; no linear auto-encoder of as many hidden units has more of the samples
    that the axes are found from (P. Baldi and K. Hornik, Neural Networks 2 (1989) 53). outputs (n_seeds, n, pixels),
    learned (n, pixels).
    """
    weights = bootstrap.sample_weights
    spread = bootstrap.mean(((learned - np.average(learned, axis=0, weights=weights)) ** 2).mean(1))
    missed = [bootstrap.mean(((o.astype(np.float64) - learned) ** 2).mean(1)) for o in outputs]
    with np.errstate(divide="ignore", invalid="ignore"):  # images that never change
        return [1.0 - m / spread for m in missed]


def _probes(
    context: EvaluationContext, parameters: str, bootstrap: Bootstrap, confidence: float
) -> dict[str, Measurement]:
    """probe.<k>: R² of the k-th parameter, from 1; probe: their mean."""
    from bevatron.evaluate.inspection.representation import probe  # torch

    if parameters not in context.dataset.manifest.targets:
        known, path = ", ".join(context.dataset.manifest.targets), context.dataset.manifest_path
        raise UserError(path, f"has no target '{parameters}'", f"fix task.parameters; it has: {known}")
    probes = [probe(context, folder, parameters, bootstrap) for folder in context.folders]
    of_seeds = [r2 for r2 in probes if r2 is not None]
    if len(of_seeds) < len(probes):
        return {}
    metrics = {"probe": measure([r2.mean(1) for r2 in of_seeds], confidence)}
    for k in range(of_seeds[0].shape[1]):
        metrics[f"probe.{k + 1}"] = measure([r2[:, k] for r2 in of_seeds], confidence)
    return metrics


def _inputs(context: EvaluationContext) -> np.ndarray:
    """The test split's noisy images: (n, channels, height, width) float64."""
    columns, rows = TestColumns(context.dataset), list(range(context.dataset.manifest.n_samples("test")))
    return np.concatenate([np.stack(columns.images(name, rows)) for name in context.model.inputs], axis=1)


def _examples(outputs: np.ndarray, clean: np.ndarray, noisy: np.ndarray) -> dict[str, Any]:
    """The first samples' first channel: "noisy", "clean" and "output", each a list of (height, width)."""
    reconstructed = outputs[:DRAWN].reshape(-1, *clean.shape[1:])
    shown = {"noisy": noisy[:DRAWN], "clean": clean[:DRAWN], "output": reconstructed}
    return {name: [_round(image[0]) for image in images] for name, images in shown.items()}


def _round(image: np.ndarray) -> list[list[float]]:
    return [[float(f"{v:.3g}") for v in row] for row in image]
