"""The LightningModule that all tasks share: steps in blocks, the learning rate's course, validation."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from bevatron.config.digest import seed_of
from bevatron.config.training import Training
from bevatron.errors import UserError
from bevatron.learning.blocks import Schedule
from bevatron.learning.job import Diverged, FitJob
from bevatron.models.network import Network

Batch = dict[str, Any]


class Learner(pl.LightningModule):
    """Fits a network; a task adds `loss(outputs, batch)`.

    Optimisation is manual because one `training_step` takes a whole block of steps (see `blocks`). The random numbers
    of step s (dropout) are drawn from a generator seeded by (seed, s), so that a fit can go on from any block
    without saving the generators' states.
    """

    automatic_optimization = False

    def __init__(self, job: FitJob, network: Network, schedule: Schedule, class_weights: Tensor | None = None):
        super().__init__()
        self.job, self.network, self.schedule = job, network, schedule
        self.register_buffer("class_weights", class_weights, persistent=False)
        self.blocks_done = 0
        self.round_loss = torch.zeros((), dtype=torch.float64)
        self.round_samples = 0
        self.val_loss = math.inf
        self._step_seed = seed_of("step", job.seed)
        self._stochastic = any(isinstance(m, torch.nn.modules.dropout._DropoutNd) for m in network.modules())

    @staticmethod
    def n_outputs(task: Any) -> int:
        """Outputs of the network that the task needs."""
        raise NotImplementedError

    def loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """Mean loss of a batch."""
        raise NotImplementedError

    def forward(self, inputs: Any) -> Tensor:
        return self.network(inputs)

    def training_step(self, batch: Any, batch_idx: int) -> None:
        """One block of steps: for each the gradient of the batch's mean loss, and one update of the weights."""
        block = self.schedule.block(self.blocks_done)
        optimiser = self.optimizers()
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        clip = self.job.model.training.gradient_clip
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        for step, inputs in enumerate(self.trainer.datamodule.training_batches(block), block.first_step):
            self._prepare_step(step, optimiser)
            loss = self.loss(self(inputs["inputs"]), inputs)
            optimiser.zero_grad(set_to_none=True)
            self.manual_backward(loss)
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(parameters, clip)
            optimiser.step()
            n = len(inputs["id"])
            total += loss.detach().double() * n
            self.round_samples += n
        self.round_loss += total.cpu()
        if not torch.isfinite(self.round_loss):
            raise Diverged(f"the training loss is {self.round_loss.item()} after {block.last_step} steps")
        self.blocks_done += 1

    def _prepare_step(self, step: int, optimiser: Any) -> None:
        if self._stochastic:
            torch.manual_seed((self._step_seed + step) % 2**63)
        training = self.job.model.training
        if training.schedule != "constant":
            rate = learning_rate(training, step, self.schedule.steps)
            for group in optimiser.param_groups:
                group["lr"] = rate

    def on_validation_epoch_start(self) -> None:
        self._val_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        self._val_samples = 0

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        n = len(batch["id"])
        self._val_sum += self.loss(self(batch["inputs"]), batch).double() * n
        self._val_samples += n

    def on_validation_epoch_end(self) -> None:
        self.val_loss = (self._val_sum / self._val_samples).item()
        if not math.isfinite(self.val_loss):
            raise Diverged(f"the validation loss is {self.val_loss}")
        self.log("val_loss", self.val_loss, logger=False)  # for Lightning's EarlyStopping

    def take_round_loss(self) -> float:
        """Mean training loss of the round that ends here; the next round starts from zero."""
        mean = self.round_loss.item() / self.round_samples
        self.round_loss, self.round_samples = torch.zeros((), dtype=torch.float64), 0
        return mean

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return optimiser_of(self.job.model.training, self.network)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["learner"] = {
            "blocks_done": self.blocks_done,
            "round_loss": self.round_loss,
            "round_samples": self.round_samples,
            "order": self.trainer.datamodule.order,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        state, order = checkpoint["learner"], self.trainer.datamodule.order
        if state["order"] != order:
            raise UserError(
                self.job.folder,
                f"was begun with its samples {state['order']}, and would go on with them {order}",
                "put the section reading of config.yaml back as it was, or remove this folder to start anew",
            )
        self.blocks_done, self.round_samples = state["blocks_done"], state["round_samples"]
        self.round_loss = state["round_loss"].cpu()


def optimiser_of(training: Training, network: Network) -> torch.optim.Optimizer:
    rate, decay = training.learning_rate, training.weight_decay
    if training.optimiser == "sgd":
        return torch.optim.SGD(network.parameters(), lr=rate, weight_decay=decay, momentum=training.momentum)
    kind = torch.optim.Adam if training.optimiser == "adam" else torch.optim.AdamW
    return kind(network.parameters(), lr=rate, weight_decay=decay)


def learning_rate(training: Training, step: int, steps: int) -> float:
    """At `step` of `steps`: constant, or half a cosine from the full rate to zero (Loshchilov and Hutter 2017)."""
    if training.schedule == "cosine":
        return training.learning_rate * 0.5 * (1.0 + math.cos(math.pi * step / steps))
    return training.learning_rate
