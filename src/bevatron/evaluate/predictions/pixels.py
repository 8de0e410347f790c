"""What trained networks say of the pixels of the test split, image by image, as counts by true and predicted class."""

import numpy as np
import torch
from torch import Tensor

from bevatron.compute.numerics.devices import deterministic, device_for
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EvaluationContext, Predictions
from bevatron.evaluate.predictions.split_in_order import open_in_order
from bevatron.models.network import load_network
from bevatron.store.readers.batch import RaggedBatch
from bevatron.store.shards.element_targets import UNLABELLED
from bevatron.training.collate import Collate, input_groups, move_to_device, reads_sparse, rows_at_once

AT_ONCE = 256  # images, fewer of large ones


def count_pixels(context: EvaluationContext, target: str, n_classes: int) -> Predictions:
    """The outputs are pixels of each image of the test split by true and predicted class, (n_seeds, n, n_classes,
    n_classes) float32; pixels without a class are in none. The split is read once.

    Raises UserError for a network whose logits are not finite, or of another number of classes.
    """
    model, dataset, workflow = context.model, context.dataset, context.workflow
    device, shapes = device_for(workflow.accelerator), input_groups(dataset.manifest, model.inputs)
    collate = Collate(shapes, device, sparse=reads_sparse(model.architecture.kind))
    networks = [load_network(folder).to(device) for folder in context.folders]
    for folder, network in zip(context.folders, networks, strict=True):
        if network.spec.n_outputs != n_classes:
            what = f"has {network.spec.n_outputs} outputs, the task needs {n_classes}"
            todo = f"run `bevatron train {context.study.name} {context.model_name}` again"
            raise UserError(folder / "model.json", what, todo)
    n, done = dataset.manifest.n_samples("test"), 0
    counts = np.zeros((len(networks), n, n_classes, n_classes), np.float32)
    ids = np.empty(n, np.uint64)
    batch_size, element_targets = rows_at_once(shapes, AT_ONCE), [target]
    with (
        deterministic(model.training.threads),
        torch.inference_mode(),
        open_in_order(dataset, "test", workflow, device, batch_size, model.inputs, [], element_targets) as batches,
    ):
        for batch in batches:
            inputs, rows = collate(batch["inputs"]), slice(done, done + len(batch["id"]))
            truth = move_to_device(batch["element_targets"][target], device)
            done = rows.stop
            for k, network in enumerate(networks):
                logits = network(inputs)
                if not bool(torch.isfinite(logits).all()):
                    what = "its logits are NaN or infinite for some pixel of the test split"
                    todo = "train again with a lower learning rate"
                    raise UserError(context.folders[k] / "weights.safetensors", what, todo)
                counts[k, rows] = confusion_of_images(logits.argmax(1), truth, n_classes).cpu().numpy()
            ids[rows] = batch["id"].cpu().numpy().view(np.uint64)
    return Predictions(counts, {}, ids)


def confusion_of_images(predicted: Tensor, truth: RaggedBatch, n_classes: int) -> Tensor:
    """(n_images, n_classes, n_classes) int64 by true and predicted class; predicted (n_pixels,) class numbers."""
    labels, lengths = truth
    image = torch.repeat_interleave(torch.arange(len(lengths), device=labels.device), lengths)
    known = labels != UNLABELLED
    cell = (image[known] * n_classes + labels[known]) * n_classes + predicted[known]
    counts = torch.bincount(cell, minlength=len(lengths) * n_classes**2)
    return counts.view(len(lengths), n_classes, n_classes)
