"""An auto-encoder's latent dimensions, and what they know of an image: its true parameters, read by a linear probe."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from bevatron.compute.numerics.devices import deterministic, device_for
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.predictions.batches import batches
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.ridge import ridge_prediction
from bevatron.models.network import load_network

AT_ONCE = 2_000


def probe(context: EvaluationContext, folder: Path, parameters: str, bootstrap: Bootstrap) -> np.ndarray | None:
    """R² of each parameter on the test split, (replicas + 1, n_parameters): the fraction of its variance that the best
    linear function of the latent dimensions tells (G. Alain and Y. Bengio, arXiv:1610.01644). It is found on the
    training split by ridge regression, whose strength the errors of samples left out choose there; all training samples
    count alike, test samples by their weights. 0 is no better than the mean. None for a network without latent
    dimensions.
    """
    if not hasattr(load_network(folder).architecture, "encode"):
        return None
    latent, truth = encode(context, folder, "train", parameters)
    of_test, expected = encode(context, folder, "test", parameters)
    missed = (expected - ridge_prediction(latent, truth, of_test)) ** 2
    average = expected.mean(0) if bootstrap.sample_weights is None else bootstrap.mean(expected)[0]
    spread = (expected - average) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):  # a parameter that never changes has no R²
        return 1.0 - bootstrap.mean(missed) / bootstrap.mean(spread)


def encode(
    context: EvaluationContext, folder: Path, split: str, target: str, views: Mapping[str, str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Latent dimensions (n, latent) and a target (n, ...) in a row of a split, float64.

    views: by the model's input group, the group of the dataset that is read in its place; default: itself.
    """
    device = device_for(context.workflow.accelerator)
    network = load_network(folder).to(device)
    groups = {(views or {}).get(name, name): name for name in context.model.inputs}
    latent, truth = [], []
    with deterministic(context.model.training.threads), torch.inference_mode():
        for inputs, targets in batches(context, split, [target], device, AT_ONCE, list(groups)):
            read = {groups[name]: values for name, values in inputs.items()}
            latent.append(network.architecture.encode(network.normalise(read)).double().cpu().numpy())
            truth.append(targets[target].reshape(len(targets[target]), -1).double().cpu().numpy())
    return np.concatenate(latent), np.concatenate(truth)
