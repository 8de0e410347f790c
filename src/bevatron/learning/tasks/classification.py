"""Classification: cross entropy of softmax outputs."""

from torch import Tensor
from torch.nn import functional

from bevatron.config.kinds import learner
from bevatron.config.task import Classification
from bevatron.learning.learner import Batch, Learner


@learner("classification")
class ClassificationLearner(Learner):
    """Outputs (batch, n_classes), before the softmax, against class numbers (batch,) int64.

    With class weights w the loss is Σ w_y ℓ / Σ w_y over the batch.
    """

    @staticmethod
    def n_outputs(task: Classification) -> int:
        return len(task.classes)

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        return functional.cross_entropy(outputs, batch["targets"][self.job.target].long(), self.class_weights)

    def weight(self, batch: Batch) -> Tensor | float:
        if self.class_weights is None:
            return super().weight(batch)
        return self.class_weights[batch["targets"][self.job.target].long()].sum()
