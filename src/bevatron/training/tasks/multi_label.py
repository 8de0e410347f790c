"""Labels that do not exclude one another: binary cross entropy of each."""

from torch import Tensor
from torch.nn import functional

from bevatron.config.loading.kinds import learner
from bevatron.config.sections.task import MultiLabel
from bevatron.models.layers.images import WithHeads
from bevatron.store.shards.contract import TargetInfo
from bevatron.training.heads import loss_with_heads
from bevatron.training.learner import Batch, Learner


@learner("multi_label")
class MultiLabelLearner(Learner):
    """Outputs (batch, n_labels), before the sigmoid, against a target (batch, n_labels) of zeros and ones.

    The loss of a sample is the mean over its labels of the binary cross entropy, in nats. Auxiliary heads within a
    network enter as in a classification.
    """

    @staticmethod
    def n_outputs(task: MultiLabel, target: TargetInfo) -> int:
        """One output for each label."""
        return target.n_numbers

    def sample_losses(self, outputs: Tensor | WithHeads, batch: Batch) -> Tensor:
        """The loss of each sample, (batch,)."""
        return loss_with_heads(lambda of: self._cross_entropy(of, batch, "none").mean(1), outputs)

    def mean_loss(self, outputs: Tensor | WithHeads, batch: Batch) -> Tensor:
        """Mean over the samples, in one operation."""
        return loss_with_heads(lambda of: self._cross_entropy(of, batch, "mean"), outputs)

    def _cross_entropy(self, logits: Tensor, batch: Batch, reduction: str) -> Tensor:
        labels = batch["targets"][self.job.target]
        return functional.binary_cross_entropy_with_logits(logits.float(), labels.float(), reduction=reduction)
