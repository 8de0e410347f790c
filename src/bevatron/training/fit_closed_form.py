"""Fits without steps: an architecture that is solved gets both splits at once."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from bevatron.config.loading.digest import seed_of
from bevatron.config.sections.task import Classification
from bevatron.errors import UserError
from bevatron.models.closed_form import Labelled
from bevatron.models.network import Network
from bevatron.store.files.publish import publish_text
from bevatron.training.collate import move_to_device
from bevatron.training.data import Batch, DataModule
from bevatron.training.history import HEADER, format_csv
from bevatron.training.job import Diverged, FitJob, FitResult
from bevatron.training.loss_weights import LossWeights

CPU = torch.device("cpu")


def fit_closed_form(
    job: FitJob,
    data: DataModule,
    network: Network,
    class_weights: torch.Tensor | None,
    loss_weights: LossWeights | None,
    on_validation: Callable[[dict[str, Any]], None] | None,
) -> FitResult:
    """Solve the network's architecture for its numbers and write history.csv, a row for each round.

    class_weights: of classes, where samples have no weights; loss_weights: of samples, balanced over the classes if so.
    Both splits are held in memory as rows of float32. A search hears of the last round alone, as if it had come after
    all of the trial's epochs.
    """
    start = time.perf_counter()
    training = _collect_labelled(job, network, data.whole_training_split(), class_weights, loss_weights)
    validation = _collect_labelled(job, network, data.validation_batches(), class_weights, loss_weights)
    data_wait = time.perf_counter() - start
    best = job.model.training.checkpoint == "best"
    losses = network.architecture.fit_closed_form(training, validation, seed_of("solve", job.seed), best)
    seconds = time.perf_counter() - start
    if not all(map(math.isfinite, (value for pair in losses for value in pair))):
        raise Diverged("the loss is no finite number")
    rows = [
        {
            "epoch": number,
            "step": number,
            "train_loss": pair.training,
            "val_loss": pair.validation,
            "learning_rate": 0.0,
            "seconds": seconds * number / len(losses),
            "data_wait": data_wait * number / len(losses),
        }
        for number, pair in enumerate(losses, 1)
    ]
    publish_text(job.folder / "history.csv", HEADER + format_csv(rows))
    last = rows[-1]
    reported = min(rows, key=lambda row: row["val_loss"]) if best else last
    epochs = len(rows) if job.epochs is None else job.epochs
    if on_validation is not None:
        for row in rows if job.epochs is None else [reported | {"epoch": epochs}]:
            on_validation(row)
    return FitResult(
        epochs=epochs,
        steps=len(rows),
        best_epoch=int(min(rows, key=lambda row: row["val_loss"])["epoch"]),
        best_val_loss=min(row["val_loss"] for row in rows),
        last_val_loss=reported["val_loss"] if job.epochs is not None else last["val_loss"],
        stopped_early=False,
        samples=len(training.labels) * len(rows),
        seconds=seconds,
        samples_per_second=len(training.labels) * len(rows) / seconds,
        data_wait=data_wait / seconds,
        workers=1,
        continued=0,
        n_weights=network.n_weights,
    )


def _collect_labelled(
    job: FitJob,
    network: Network,
    batches: Iterator[Batch],
    class_weights: torch.Tensor | None,
    loss_weights: LossWeights | None,
) -> Labelled:
    """A whole split on the CPU; of classes those of the model's class subset alone, numbered in its order."""
    if not isinstance(job.study.task, Classification):
        return _collect_with_targets(job, network, batches, loss_weights)
    rows, labels, weights = [], [], []
    number_of_class = torch.full((len(job.study.task.classes),), -1)
    number_of_class[network.answers] = torch.arange(len(network.answers))
    with torch.no_grad():
        for batch in batches:
            of_classes = batch["targets"][job.target].long().cpu()
            numbers = number_of_class[of_classes]
            inputs = network.normalise({name: move_to_device(group, CPU) for name, group in batch["inputs"].items()})
            rows.append(network.architecture.rows(inputs)[numbers >= 0].clone())
            labels.append(numbers[numbers >= 0])
            if loss_weights is not None:
                weights.append(loss_weights.of(batch["weight"].cpu(), of_classes)[numbers >= 0])
        joined = torch.cat(labels)
        missing = set(range(len(network.answers))) - set(joined.unique().tolist())
        if missing:
            name = job.study.task.classes[network.answers[min(missing)]]
            raise UserError(job.manifest_path, f"has a split without class '{name}'", "make the dataset larger")
        if loss_weights is not None:
            return Labelled(torch.cat(rows), joined, torch.cat(weights))
        of_all = torch.ones(len(joined)) if class_weights is None else class_weights[network.answers][joined]
        return Labelled(torch.cat(rows), joined, of_all)


def _collect_with_targets(
    job: FitJob, network: Network, batches: Iterator[Batch], loss_weights: LossWeights | None
) -> Labelled:
    """A whole split on the CPU with its targets (n, pixels) as they are; without weights of samples all are one."""
    rows, targets, weights = [], [], []
    with torch.no_grad():
        for batch in batches:
            inputs = network.normalise({name: move_to_device(group, CPU) for name, group in batch["inputs"].items()})
            rows.append(network.architecture.rows(inputs).clone())
            targets.append(batch["targets"][job.target].cpu().flatten(1).clone())
            if loss_weights is not None:
                weights.append(loss_weights.of(batch["weight"].cpu(), None))
    joined = torch.cat(targets)
    return Labelled(torch.cat(rows), joined, torch.cat(weights) if weights else torch.ones(len(joined)))
