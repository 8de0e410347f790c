"""Segmentation: cross entropy of the charged pixels of sparse images."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bevatron.config.loading.kinds import learner
from bevatron.config.sections.task import Segmentation
from bevatron.store.shards.contract import TargetInfo
from bevatron.store.shards.element_targets import UNLABELLED
from bevatron.training.learner import Batch, Learner


@learner("segmentation")
class SegmentationLearner(Learner):
    """Outputs (n_pixels, n_classes), before the softmax, against class numbers (n_pixels,), -1 where there is none.

    The loss is a mean over pixels, not over images: an image's loss is the sum over its pixels, divided by the pixels
    that an image of the split has in the mean. So a pixel counts alike in whatever image, batch and worker it comes.
    With class weights w a pixel counts w_y, and its image is divided by what an image has of these in the mean.
    """

    def __init__(self, *arguments: Any, **more: Any):
        super().__init__(*arguments, **more)
        self._terms: dict[str, float] = {}

    @staticmethod
    def n_outputs(task: Segmentation, target: TargetInfo) -> int:
        """One output for each class."""
        return len(task.classes)

    def sample_losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The loss of each image, (n,); 0 of one without a pixel that has a class."""
        of_pixels, lengths = self._of_pixels(outputs, batch), batch["element_targets"][self.job.target].lengths
        sums = torch.segment_reduce(of_pixels, "sum", lengths=lengths, initial=0.0)
        return sums / self._terms_per_image("train" if self.training else "val")

    def mean_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The mean over the images, without the sum of each."""
        total = self._of_pixels(outputs, batch).sum() / len(batch["id"])
        return total / self._terms_per_image("train" if self.training else "val")

    def _of_pixels(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The loss of each pixel, (n_pixels,); 0 of one without a class."""
        labels = batch["element_targets"][self.job.target].values.long()
        return functional.cross_entropy(
            outputs.float(), labels, self.class_weights, reduction="none", ignore_index=UNLABELLED
        )

    def _terms_per_image(self, split: str) -> float:
        """The weights of an image's pixels, in the mean over a split."""
        if split not in self._terms:
            manifest = self.datamodule.manifest
            counts = list(manifest.element_counts(self.job.target, split).values())
            weights = [1.0] * len(counts) if self.class_weights is None else self.class_weights.tolist()
            total = sum(weight * count for weight, count in zip(weights, counts, strict=True))
            self._terms[split] = total / manifest.n_samples(split)
        return self._terms[split]
