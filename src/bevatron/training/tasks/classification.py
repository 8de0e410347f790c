"""Classification: cross entropy of softmax outputs."""

import torch
from torch import Tensor
from torch.nn import functional

from bevatron.config.loading.kinds import learner
from bevatron.config.sections.task import Classification
from bevatron.config.sections.training import Adversarial
from bevatron.errors import UserError
from bevatron.models.layers.images import WithHeads
from bevatron.models.layers.inputs import Inputs
from bevatron.store.shards.contract import TargetInfo
from bevatron.training.attacks import fgsm, pgd
from bevatron.training.collate import select_samples
from bevatron.training.heads import loss_with_heads
from bevatron.training.learner import Batch, Learner


@learner("classification")
class ClassificationLearner(Learner):
    """Outputs (batch, n_classes), before the softmax, against class numbers (batch,) int64.

    Auxiliary classifiers within a network enter with the weight 0.3 while it is trained. With class weights w, and
    samples without weights of their own, the loss is Σ w_y ℓ / Σ w_y over the batch. A model with a class subset sees
    the samples of its classes alone. With `training.adversarial` the loss is α J(x) + (1 - α) J(x'), x' an adversarial
    example made from x against the network of that step.
    """

    @staticmethod
    def n_outputs(task: Classification, target: TargetInfo) -> int:
        """One output for each class."""
        return len(task.classes)

    def drop_excluded(self, batch: Batch) -> Batch:
        """The samples of the model's class subset alone."""
        if self.job.class_subset is None:
            return batch
        labels = batch["targets"][self.job.target]
        in_subset = torch.zeros_like(labels, dtype=torch.bool)
        for number in self.job.class_subset:
            in_subset |= labels == number
        indices = in_subset.nonzero().squeeze(1)
        rows = int(self.context.all_reduce(torch.tensor(len(indices), device=labels.device)))
        if len(indices) == 0:  # some network cannot take nothing; with no rows the loss is zero whatever it says
            indices = torch.arange(min(1, len(labels)) if rows == 0 else 0, device=labels.device)
        return {**select_samples(batch, indices), "rows": rows}

    def loss(self, outputs: Tensor | WithHeads, batch: Batch) -> Tensor:
        """Mean cross entropy (nats), in training with that of adversarial examples."""
        clean = super().loss(outputs, batch)
        adversarial = self.job.model.training.adversarial
        if adversarial is None or not self.training:
            return clean
        changed = self._attack(adversarial, batch["inputs"], batch["targets"][self.job.target].long())
        alpha = adversarial.clean_weight
        return alpha * clean + (1 - alpha) * super().loss(self(changed), batch)

    def sample_losses(self, outputs: Tensor | WithHeads, batch: Batch) -> Tensor:
        """The cross entropy of each sample, (n,)."""
        return self._cross_entropy(outputs, batch, None, "none")

    def mean_loss(self, outputs: Tensor | WithHeads, batch: Batch) -> Tensor:
        """Mean cross entropy, with `class_weights` if there are any."""
        return self._cross_entropy(outputs, batch, self.class_weights, "mean")

    def _cross_entropy(
        self, outputs: Tensor | WithHeads, batch: Batch, class_weights: Tensor | None, reduction: str
    ) -> Tensor:
        labels = batch["targets"][self.job.target].long()

        def of(logits: Tensor) -> Tensor:
            return functional.cross_entropy(logits, labels, class_weights, reduction=reduction)

        return loss_with_heads(of, outputs)

    def _attack(self, adversarial: Adversarial, inputs: Inputs, labels: Tensor) -> dict[str, Tensor]:
        """Adversarial examples against the network as it is in this step."""
        images = {name: group for name, group in inputs.items() if isinstance(group, Tensor)}
        if ragged := [name for name in inputs if name not in images]:
            what = f"the input group '{ragged[0]}' is a list, which has no adversarial examples here"
            raise UserError(f"training.adversarial of {self.job.model.title}", what, "leave adversarial out")
        low, high = adversarial.range
        if adversarial.attack == "fgsm":
            return fgsm(self, images, labels, adversarial.epsilon, low, high)
        return pgd(self, images, labels, adversarial.epsilon, low, high, adversarial.steps)

    def weight(self, batch: Batch) -> Tensor | float:
        """The sum of the class weights of the samples, or their number where each has a weight of its own."""
        if self.class_weights is None or self.loss_weights is not None:
            return super().weight(batch)
        return self.class_weights[batch["targets"][self.job.target].long()].sum()
