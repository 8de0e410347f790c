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

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Half of the mean squared error over both outputs."""
        target = functional.one_hot(batch["targets"][self.job.target].long(), outputs.shape[1])
        return 0.5 * functional.mse_loss(outputs, target.to(outputs.dtype))
