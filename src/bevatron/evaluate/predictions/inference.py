"""Predictions of trained networks for the test split."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from bevatron.compute.numerics.devices import deterministic, device_for
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import Predictions
from bevatron.evaluate.predictions.split_in_order import open_in_order
from bevatron.models.layers.wide_linear import widen_layers
from bevatron.models.network import load_network
from bevatron.store.shards.dataset import Dataset
from bevatron.training.collate import Collate, input_groups
from bevatron.training.full_batches import FullBatches


def predict(
    folders: Sequence[Path],
    dataset: Dataset,
    groups: list[str],
    targets: list[str],
    workflow: Workflow,
    threads: int,
) -> Predictions:
    """All networks' outputs for every sample of the test split, which is read once.

    folders: one trained network each, in the order of the seeds; groups: input groups that they read. Raises
    UserError for a network that predicts numbers that are not finite.
    """
    device = device_for(workflow.accelerator)
    shapes = input_groups(dataset.manifest, groups)
    collate, complete = Collate(shapes, device), FullBatches(shapes)
    networks = [widen_layers(load_network(folder).to(device)) for folder in folders]
    n, done = dataset.manifest.n_samples("test"), 0
    outputs: np.ndarray | None = None
    ids, target_values = np.empty(n, np.uint64), {}
    with (
        deterministic(threads),
        torch.inference_mode(),
        open_in_order(dataset, "test", workflow, device, complete.rows, groups, targets) as batches,
    ):
        for batch in batches:
            inputs, rows = complete(collate(batch["inputs"])), slice(done, done + len(batch["id"]))
            done = rows.stop
            for k, network in enumerate(networks):
                predicted = network(inputs)[: len(batch["id"])].float().cpu().numpy()
                if outputs is None:
                    outputs = np.empty((len(networks), n, *predicted.shape[1:]), np.float32)
                outputs[k, rows] = predicted
            ids[rows] = batch["id"].cpu().numpy().view(np.uint64)
            for name in targets:
                values = batch["targets"][name].cpu().numpy()
                if name not in target_values:
                    target_values[name] = np.empty((n, *values.shape[1:]), values.dtype)
                target_values[name][rows] = values
    if outputs is None:
        raise ValueError("no network or no sample: there is nothing to predict")
    for folder, predicted in zip(folders, outputs, strict=True):
        wrong = _not_finite(predicted)
        if wrong:
            what = f"predicts NaN or infinite numbers for {wrong} of {len(predicted)} test samples"
            raise UserError(folder / "weights.safetensors", what, "train again with a lower learning rate")
    return Predictions(outputs, target_values, ids)


def _not_finite(predicted: np.ndarray) -> int:
    """Samples of which some number is not finite."""
    if np.isfinite(predicted.min(initial=0.0)) and np.isfinite(predicted.max(initial=0.0)):
        return 0  # NaN passes through min and max: no large mask is needed
    return int((~np.isfinite(predicted)).reshape(len(predicted), -1).any(axis=1).sum())
