"""Two classes in a plane: squared error, whose gradient is the delta rule."""

from torch import Tensor
from torch.nn import functional

from bevatron.config.loading.kinds import learner
from bevatron.config.sections.task import Classification2D
from bevatron.store.shards.contract import TargetInfo
from bevatron.training.learner import Batch, Learner


@learner("classification_2d")
class Classification2DLearner(Learner):
    """Outputs (batch, 2) against 1 for the true class and 0 for the other: ½ of the mean square over both.

    For a unit of outputs 1 - y and y it is ½ (y - t)², so that a step of plain gradient descent over one sample is the
    delta rule Δw = η (t - y) f'(z) x.
    """

    @staticmethod
    def n_outputs(task: Classification2D, target: TargetInfo) -> int:
        """One output for each class."""
        return len(task.classes)

    def sample_losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Half of each sample's squared error, mean over both outputs, (n,)."""
        return 0.5 * functional.mse_loss(outputs, self._wanted(outputs, batch), reduction="none").mean(1)

    def mean_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Half of the mean squared error over both outputs."""
        return 0.5 * functional.mse_loss(outputs, self._wanted(outputs, batch))

    def _wanted(self, outputs: Tensor, batch: Batch) -> Tensor:
        """1 for the true class and 0 for the other, (n, 2)."""
        return functional.one_hot(batch["targets"][self.job.target].long(), outputs.shape[1]).to(outputs.dtype)
