"""Reconstruction: mean squared error over an image's pixels."""

from math import prod

from torch import Tensor
from torch.nn import functional

from bevatron.config.loading.kinds import learner
from bevatron.config.sections.task import Reconstruction
from bevatron.errors import UserError
from bevatron.store.shards.contract import TargetInfo
from bevatron.training.learner import Batch, Learner


@learner("reconstruction")
class ReconstructionLearner(Learner):
    """Outputs (batch, pixels), in the target's unit, against clean images (batch, channels, height, width)."""

    @staticmethod
    def n_outputs(task: Reconstruction, target: TargetInfo) -> int:
        """One output for each pixel of the target; raises UserError for a target that is no image."""
        if len(target.shape) != 3:
            form = " × ".join(map(str, target.shape)) or "a single number"
            what = f"the target is {form} for each sample, expected an image: channels × height × width"
            raise UserError("task.target", what, "name a target of images, in the study's task or for the model")
        return prod(target.shape)

    def sample_losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Each sample's squared error, mean over its pixels, (n,), in the target's unit squared."""
        clean = batch["targets"][self.job.target].flatten(1)
        return functional.mse_loss(outputs, clean, reduction="none").mean(1)

    def mean_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Mean squared error over the pixels, in the target's unit squared."""
        return functional.mse_loss(outputs, batch["targets"][self.job.target].flatten(1))
