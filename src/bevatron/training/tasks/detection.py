"""Detection: the sum of the losses that the architecture makes from the true boxes."""

from typing import Any

from torch import Tensor

from bevatron.config.loading.kinds import learner
from bevatron.config.sections.task import Detection
from bevatron.errors import UserError
from bevatron.store.shards.contract import TargetInfo
from bevatron.training.learner import Batch, Learner


@learner("detection")
class DetectionLearner(Learner):
    """Outputs (batch, n_losses): of each image the terms of its loss, which add up.

    A detector's losses follow from what it proposes for an image with its true boxes in hand, so it makes them itself,
    within the one call that several workers share. The target is (batch, max_boxes, 5): boxes as fractions of the
    image's sides, and class numbers, -1 where there is no box. Raises UserError for one of another form.
    """

    def __init__(self, *arguments: Any, **more: Any):
        super().__init__(*arguments, **more)
        self._checked = False

    @staticmethod
    def n_outputs(task: Detection, target: TargetInfo) -> int:
        """One output for each class; the architecture adds the background."""
        return len(task.classes)

    def compute_outputs(self, batch: Batch) -> Tensor:
        """The losses (batch, n_losses) that the architecture makes from images and true boxes."""
        boxes = batch["targets"][self.job.target]
        if not self._checked:
            self._check_targets(boxes)
        return self(batch["inputs"], boxes.float())

    def sample_losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The sum of the terms of each image, (n,)."""
        return outputs.sum(1)

    def _check_targets(self, boxes: Tensor) -> None:
        where, todo = self.job.manifest_path, "name a target of boxes in the study's task, or fix the recipe"
        if boxes.ndim != 3 or boxes.shape[2] != 5:
            form = " × ".join(map(str, boxes.shape[1:])) or "a single number"
            what = f"target '{self.job.target}' is {form} for each sample, expected boxes: n × 5"
            raise UserError(where, what, todo)
        if boxes[..., 4].numel() and (highest := int(boxes[..., 4].max())) >= self.network.spec.n_outputs:
            highest_allowed = self.network.spec.n_outputs - 1
            what = f"target '{self.job.target}' has the class number {highest}, expected -1 to {highest_allowed}"
            raise UserError(where, what, todo)
        self._checked = True
