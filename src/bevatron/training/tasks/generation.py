"""Generation: the losses of two networks that learn against each other."""

import torch
from torch import Tensor

from bevatron.compute.numerics.seeds import seed_generators
from bevatron.config.loading.digest import seed_of
from bevatron.config.loading.kinds import learner
from bevatron.config.sections.task import Generation
from bevatron.store.shards.contract import TargetInfo
from bevatron.training.learner import Batch, Learner


@learner("generation")
class GenerationLearner(Learner):
    """Outputs (batch, 2): of each sample the losses of D and of G, each of which has the other's weights as constants.

    Their sum has no meaning of its own, so the weights to publish are the last ones (`training.checkpoint: last`). At
    the saddle point D's loss is 2 ln 2 and G's ln 2, or -ln 2 in the minimax game.
    """

    @staticmethod
    def n_outputs(task: Generation, target: TargetInfo) -> int:
        """One: how likely an image is real."""
        return 1

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """As in every task, with the same noise at every validation."""
        # The same noise at every validation, and another than any step's.
        seed_generators(self.device, seed_of("validation", self.job.seed, self.context.rank), batch_idx)
        super().validation_step(batch, batch_idx)

    def on_validation_epoch_start(self) -> None:
        """Start the sum of V = E ln D(x) + E ln(1 - D(G(z)))."""
        super().on_validation_epoch_start()
        self._objective = torch.zeros((), dtype=torch.float64, device=self.device)

    def on_validation_epoch_end(self) -> None:
        """Log V, and remember G at evenly spread validations."""
        super().on_validation_epoch_end()
        objective = (self.context.all_reduce(self._objective) / self.validation_total()).item()
        self.log("saddle_point", objective)
        chunk = self.schedule.chunk(self.chunks_done - 1)
        epoch, training = self.schedule.epochs_after(chunk), self.job.model.training
        n_snapshots, n_intervals = len(self.network.architecture.past_epoch), training.epochs // training.validate_every
        for index in range(n_snapshots):
            if epoch == training.validate_every * (1 + round(index * (n_intervals - 1) / (n_snapshots - 1))):
                self.network.architecture.remember(index, epoch, objective)

    def compute_outputs(self, batch: Batch) -> Tensor:
        """The losses of D and of G for each sample, (batch, 2)."""
        return self(batch["inputs"], batch["targets"][self.job.target])

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The mean of the sum of both losses; each noise has the weight of the image with which it comes."""
        if not self.training:
            weights, of_d = self.sample_weights(batch), outputs[:, 0].double()
            # V = E ln D(x) + E ln(1 - D(G(z)))
            self._objective -= of_d.sum() if weights is None else of_d @ weights.double()
        return super().loss(outputs, batch)

    def sample_losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The sum of both losses of each sample, (n,)."""
        return outputs.sum(1)
