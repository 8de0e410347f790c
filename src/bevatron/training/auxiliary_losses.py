"""The losses of auxiliary tasks, and their means over a validation interval."""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from bevatron.config.sections.auxiliary import AuxiliaryRegression, AuxiliaryTask, ElementClassification
from bevatron.models.auxiliary.element_pairs import pairs_of
from bevatron.models.network import Network
from bevatron.store.readers.batch import RaggedBatch
from bevatron.store.shards.element_targets import UNLABELLED
from bevatron.store.shards.manifest import Manifest
from bevatron.training.auxiliary import check_terms, terms_per_sample
from bevatron.training.class_balance import class_weights
from bevatron.training.job import Diverged, FitJob

Batch = dict[str, Any]
ERRORS = {"huber": functional.huber_loss, "mse": functional.mse_loss}


class Terms(NamedTuple):
    """The losses (n,) and weights (n,) of the terms of one task: its elements, pairs or samples."""

    losses: Tensor
    weights: Tensor


class AuxiliaryPart(NamedTuple):
    """The part of a batch that one worker has.

    total: its part of the weighted sum of the auxiliary losses, (); sums: for each task the sums of the losses and of
    the weights of its terms, (2, n_tasks) float64, without a gradient.
    """

    total: Tensor
    sums: Tensor


class AuxiliaryMeans:
    """The mean losses of the tasks over a validation interval or a split.

    They follow from sums (2, n_tasks) float64 of the losses and of the weights of all terms. `what`, "training" or
    "validation", is used in messages.
    """

    def __init__(self, names: list[str], what: str):
        self.names, self.what = names, what
        self.sums = torch.zeros(2, len(names), dtype=torch.float64)

    def add(self, sums: Tensor) -> None:
        """Adds the sums of some batches, over all workers. Raises Diverged if one is not finite."""
        self.sums += sums.cpu()
        for name, is_finite in zip(self.names, self.sums.isfinite().all(0).tolist(), strict=True):
            if not is_finite:
                raise Diverged(f"the {self.what} loss of the auxiliary task '{name}' is not finite")

    def take(self) -> list[float]:
        """Returns the means, in the order of the tasks, 0 for a task without terms, and resets the sums to zero."""
        losses, weights = self.sums
        has_terms = weights != 0
        means = torch.where(has_terms, losses / torch.where(has_terms, weights, 1.0), 0.0).tolist()
        self.sums = torch.zeros_like(self.sums)
        return means


class AuxiliaryLosses(nn.Module):
    """Losses of a model's auxiliary tasks.

    The loss of a task is the mean over its terms: elements with a class, pairs, or samples that have the numbers. A
    term has the weight of its sample in the loss and, if classes of elements are balanced, the weight of its class.
    Both have the mean 1 over the training split.

    In training, the sum over the terms of a batch is not divided by their number, but by the number of samples times
    the mean number of terms of a sample in the training split. A term therefore counts the same in every batch and on
    every worker, as a sample does in the task's loss. Reported losses are means over the terms themselves.
    """

    def __init__(self, job: FitJob, manifest: Manifest, network: Network):
        super().__init__()
        self.tasks = dict(job.model.auxiliary)
        self.weights = tuple(task.weight for task in self.tasks.values())
        check_terms(job, manifest)
        per_sample = terms_per_sample(job, manifest)
        self._factors = [task.weight / per_sample[name] for name, task in self.tasks.items()]
        for name, task in self.tasks.items():
            if isinstance(task, ElementClassification) and task.balance == "weights":
                counts = list(manifest.element_counts(task.target, "train").values())
                self.register_buffer(_balance(name), class_weights(counts), persistent=False)
        numbers = [name for name, task in self.tasks.items() if isinstance(task, AuxiliaryRegression)]
        self._units = {name: network.head(name).outputs for name in numbers}
        self.interval, self.validation = (
            AuxiliaryMeans(self.names, "training"),
            AuxiliaryMeans(self.names, "validation"),
        )

    @property
    def names(self) -> list[str]:
        """The names of the tasks, in the order of all tensors here."""
        return list(self.tasks)

    def part(self, outputs: dict[str, Tensor], batch: Batch, weights: Tensor | None) -> AuxiliaryPart:
        """The losses of a worker's part of a batch, whose "rows" is the number of samples of all workers.

        outputs: those of the heads, by task; weights (n,): those of the samples in the loss, None: 1 each.
        """
        of_tasks = [self._terms(name, task, outputs[name], batch, weights) for name, task in self.tasks.items()]
        losses = torch.stack([(terms.losses * terms.weights).sum() for terms in of_tasks])
        sums = torch.stack([losses.detach().double(), torch.stack([t.weights.sum().double() for t in of_tasks])])
        n_samples = batch["rows"]
        if n_samples == 0:  # of a sample that only keeps the network going
            return AuxiliaryPart(losses.sum() * 0.0, torch.zeros_like(sums))
        total = sum((factor / n_samples * loss for factor, loss in zip(self._factors, losses, strict=True)), 0.0)
        return AuxiliaryPart(torch.as_tensor(total), sums)

    def take(self, train_loss: float, val_loss: float) -> dict[str, float]:
        """The mean and the total losses of training and validation, by the columns of the history.

        Those of training are over the validation interval that ends here. train_loss and val_loss: losses of the
        study's task, which are part of the total losses. The next interval starts from zero.
        """
        found: dict[str, float] = {}
        for split, loss, means in (("train", train_loss, self.interval), ("val", val_loss, self.validation)):
            losses = means.take()
            found |= {f"{split}_loss.{name}": mean for name, mean in zip(self.names, losses, strict=True)}
            weighted = (weight * mean for weight, mean in zip(self.weights, losses, strict=True))
            found[f"{split}_total_loss"] = loss + math.fsum(weighted)
        return found

    def _terms(self, name: str, task: AuxiliaryTask, outputs: Tensor, batch: Batch, weights: Tensor | None) -> Terms:
        if isinstance(task, AuxiliaryRegression):
            return self._of_numbers(name, task, outputs, batch["targets"][task.target], weights)
        target = batch["element_targets"][task.target]
        if isinstance(task, ElementClassification):
            return self._of_elements(name, task, outputs, target, weights)
        return _of_pairs(outputs, target, weights)

    def _of_elements(
        self, name: str, task: ElementClassification, logits: Tensor, target: RaggedBatch, weights: Tensor | None
    ) -> Terms:
        """The cross entropy of each element, with the weight 0 if it has no class."""
        labels, has_class = target.values.long().clamp(min=0), target.values != UNLABELLED
        of_terms = has_class.float()
        if weights is not None:
            of_terms = of_terms * torch.repeat_interleave(weights, target.lengths, output_size=len(labels))
        if task.balance == "weights":
            of_terms = of_terms * getattr(self, _balance(name))[labels]
        return Terms(functional.cross_entropy(logits.float(), labels, reduction="none"), of_terms)

    def _of_numbers(
        self, name: str, task: AuxiliaryRegression, outputs: Tensor, target: Tensor, weights: Tensor | None
    ) -> Terms:
        """For each sample that has all numbers, the mean loss over them, in units of their standard deviations."""
        target = target.reshape(outputs.shape).to(outputs.dtype)
        is_there = ~target.isnan().any(1)
        target = torch.where(is_there.unsqueeze(1), target, outputs.detach())  # NaN times 0 would be NaN
        residual = (outputs - target) / self._units[name].scale
        losses = ERRORS[task.loss](residual, torch.zeros_like(residual), reduction="none").mean(1)
        of_terms = is_there.float()
        return Terms(losses, of_terms if weights is None else of_terms * weights)


def _of_pairs(logits: Tensor, target: RaggedBatch, weights: Tensor | None) -> Terms:
    """The binary cross entropy of each pair; the truth is 1 if both elements come from the same vertex."""
    pairs = pairs_of(target.lengths)
    first, second = target.values[pairs.first], target.values[pairs.second]
    is_same = ((first == second) & (first >= 0)).float()
    losses = functional.binary_cross_entropy_with_logits(logits.float(), is_same, reduction="none")
    return Terms(losses, torch.ones_like(losses) if weights is None else weights[pairs.sample])


def _balance(name: str) -> str:
    return f"balance_{name}"
