"""Predictions of trained networks for the test split."""

from pathlib import Path

import numpy as np
import torch

from bevatron.compute.devices import deterministic, device_for
from bevatron.config.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import Predictions
from bevatron.learning.densify import Densify, input_groups, rows_at_once
from bevatron.models.network import load_network
from bevatron.store.manifest import Manifest
from bevatron.store.reader import open_split

BATCH = 2_000


def predict(
    folders: list[Path],
    manifest: Manifest,
    manifest_path: Path,
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
    shapes = input_groups(manifest, groups)
    densify = Densify(shapes, device)
    networks = [load_network(folder).to(device) for folder in folders]
    outputs: list[list[torch.Tensor]] = [[] for _ in networks]
    ids, kept = [], {name: [] for name in targets}
    with deterministic(threads), torch.inference_mode():
        reader = open_split(
            manifest_path,
            "test",
            batch_size=rows_at_once(shapes, BATCH),
            groups=groups,
            targets=targets,
            memory_budget_bytes=int(workflow.reading.memory_budget_gb * 1e9),
            block_rows=workflow.reading.block_rows,
            buffer_blocks=workflow.reading.buffer_blocks,
            device=str(device),
        )
        try:
            for batch in reader.epoch(0, 0, shuffle=False):
                inputs = densify(batch["inputs"])
                for network, parts in zip(networks, outputs, strict=True):
                    parts.append(network(inputs).float().cpu())
                ids.append(batch["id"].cpu().clone())  # the reader fills the same memory again for the next batch
                for name in targets:
                    kept[name].append(batch["targets"][name].cpu().clone())
        finally:
            reader.close()
    stacked = torch.stack([torch.cat(parts) for parts in outputs]).numpy()
    for folder, predicted in zip(folders, stacked, strict=True):
        wrong = int((~np.isfinite(predicted)).reshape(len(predicted), -1).any(axis=1).sum())
        if wrong:
            what = f"predicts NaN or infinite numbers for {wrong} of {len(predicted)} test samples"
            raise UserError(folder / "weights.safetensors", what, "train again with a lower learning rate")
    joined = {name: torch.cat(parts).numpy() for name, parts in kept.items()}
    return Predictions(stacked, joined, torch.cat(ids).numpy().view(np.uint64))
