"""From the weights of a dataset's samples to their weights in the loss.

These have the mean 1 over the samples of an epoch: a fixed factor, which the manifest's sums give, so that nothing
depends on how the samples fall into batches or on the number of workers. Where classes are balanced each class has its
own factor, with which all classes have the same sum of weights.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from bevatron.errors import UserError
from bevatron.store.shards.manifest import Manifest
from bevatron.training.job import FitJob


@dataclass(frozen=True)
class LossWeights:
    """factors: (1,) of all samples, or (n_classes,) by class; 0 of a class from which nothing is learned.

    absolute: whether a weight's sign is dropped.
    """

    factors: Tensor
    absolute: bool = False

    def of(self, weights: Tensor, labels: Tensor | None, factors: Tensor | None = None) -> Tensor:
        """The weights in the loss (n,) of samples with `weights` (n,).

        labels: their class numbers (n,), where there are classes. factors: as `self.factors`, on the samples' device.
        """
        factors = self.factors if factors is None else factors
        weights = weights.to(factors.dtype)
        of_samples = factors if labels is None or len(factors) == 1 else factors[labels.long()]
        return (weights.abs() if self.absolute else weights) * of_samples


def make_loss_weights(
    job: FitJob, manifest: Manifest, class_counts: list[int], whole_split: bool = False
) -> LossWeights | None:
    """The factors of the job's fit; None of a dataset without weights.

    class_counts: samples of each class that the fit uses. whole_split: each sample comes once, also where the study
    asks for batches in which the classes are equally frequent: then their weights do what the batches would.
    Raises UserError for a class whose weights do not add up to more than zero.
    """
    if not manifest.weighted:
        return None
    training, statistics = job.model.training, manifest.weights["train"]
    absolute = training.negative_weights == "absolute"
    n = manifest.n_samples("train")
    if not statistics.class_sums:
        total = statistics.magnitude if absolute else statistics.sum
        return LossWeights(torch.tensor([n / _positive(total, job, "the training split")]), absolute)
    sums = statistics.class_magnitudes if absolute else statistics.class_sums
    counts = manifest.class_counts("train")
    used = [count if job.class_subset is None or k in job.class_subset else 0 for k, count in enumerate(class_counts)]
    means = [_positive(sums[name], job, f"class '{name}'") / counts[name] for name in counts]
    n_used, n_classes = sum(used), sum(map(bool, used))
    if training.balance == "none":
        factor = n_used / sum(count * mean for count, mean in zip(used, means, strict=True))
        factors = [factor if count else 0.0 for count in used]
    elif training.balance == "batches" and not whole_split:
        factors = [1.0 / mean if count else 0.0 for count, mean in zip(used, means, strict=True)]
    else:
        factors = [n_used / (n_classes * k * m) if k else 0.0 for k, m in zip(used, means, strict=True)]
    return LossWeights(torch.tensor(factors), absolute)


def check_negative_weights(job: FitJob, manifest: Manifest, closed_form: bool = False) -> None:
    """Raises UserError where samples have negative weights and the model does not say what to do with them, or says to
    keep them and is fitted in closed form.
    """
    choice, kind = job.model.training.negative_weights, job.model.architecture.kind
    for split in ("train", "val"):
        negative = manifest.weights[split].negative if split in manifest.weights else 0
        what = f"{negative} of {manifest.n_samples(split)} samples of the {split} split have a negative weight"
        if negative and closed_form and choice == "keep":
            todo = "set training.negative_weights of the model to 'absolute'"
            raise UserError(job.manifest_path, f"{what}, which '{kind}' cannot keep", todo)
        if negative and choice == "refuse":
            todo = "set training.negative_weights of the model to 'absolute' or 'keep', or leave these samples out"
            raise UserError(job.manifest_path, what, todo)


def _positive(total: float, job: FitJob, what: str) -> float:
    if total > 0:
        return total
    raise UserError(job.manifest_path, f"the weights of {what} add up to {total:g}", "they must be above zero in all")
