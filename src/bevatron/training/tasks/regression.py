"""Regression: mean squared error of one number."""

from torch import Tensor
from torch.nn import functional

from bevatron.config.loading.kinds import learner
from bevatron.config.sections.task import Regression
from bevatron.store.shards.contract import TargetInfo
from bevatron.training.learner import Batch, Learner


@learner("regression")
class RegressionLearner(Learner):
    """Outputs (batch, 1) against a target (batch,)."""

    @staticmethod
    def n_outputs(task: Regression, target: TargetInfo) -> int:
        """One: the number."""
        return 1

    def sample_losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Each sample's squared error, (n,), in the target's unit squared."""
        return functional.mse_loss(outputs.squeeze(1), batch["targets"][self.job.target], reduction="none")

    def mean_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Mean squared error, in the target's unit squared."""
        return functional.mse_loss(outputs.squeeze(1), batch["targets"][self.job.target])
