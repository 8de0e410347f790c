"""The LightningModule that all tasks share: steps in chunks, the learning rate's course, validation."""

import math
from contextlib import nullcontext
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.precision import Precision
from pytorch_lightning.strategies import DDPStrategy
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch import Tensor

from bevatron.compute.distributed.distributed_context import SINGLE_PROCESS, DistributedContext
from bevatron.compute.numerics.seeds import seed_generators
from bevatron.config.loading.digest import seed_of
from bevatron.errors import UserError
from bevatron.models.layers.outputs import OutputKind
from bevatron.models.network import Network
from bevatron.store.shards.contract import TargetInfo
from bevatron.training.accumulation import GradientSum
from bevatron.training.augmentation import augment
from bevatron.training.auxiliary_losses import AuxiliaryLosses, AuxiliaryPart
from bevatron.training.data import Batch, DataModule
from bevatron.training.job import Diverged, FitJob
from bevatron.training.learning_rate import set_rates
from bevatron.training.loss_weights import LossWeights
from bevatron.training.optimiser import make_optimiser
from bevatron.training.step_chunks import Schedule
from bevatron.training.strategies import shard_weights
from bevatron.training.weight_average import AveragedWeights, check_weight_average, running_statistics

STEP_HOOKS = ("on_before_zero_grad", "on_before_backward", "on_after_backward", "on_before_optimizer_step")


class BatchLoss(NamedTuple):
    """The task's mean loss over a worker's part of a batch, how much of the batch's loss that is, and the part of the
    auxiliary tasks.
    """

    loss: Tensor
    fraction: Tensor | float
    auxiliary: AuxiliaryPart | None = None


class Learner(pl.LightningModule):
    """Fits a network; a task adds `sample_losses(outputs, batch)`, and perhaps `mean_loss` in one operation.

    Optimisation is manual because one `training_step` takes a whole chunk of steps (see `step_chunks`). The random
    numbers of step s (dropout, or what a part with `draws` set draws) come from a generator seeded by (seed, s), so
    that a fit can go on from any chunk without saving the generators' states.

    Each of several workers learns from its part of each batch, and the gradients are averaged over the workers with
    the parts' weights, so that a step is that of the whole batch whatever the number of workers. The batch being the
    same, so is the learning rate: it is not scaled. What dropout draws does depend on the number of workers.

    class_weights: (n_classes,), of the classes in the loss, where samples have no weights of their own. loss_weights:
    where they have, what turns them into their weights in the loss (`training.loss_weights`). auxiliary: the losses of
    auxiliary tasks, which the steps add to the task's. `val_loss`, by which a fit stops early and chooses its weights,
    is the task's alone: so models with and without auxiliary tasks are chosen, and searched, by one number.
    """

    class_weights: Tensor | None
    weight_factors: Tensor | None

    def __init__(
        self,
        job: FitJob,
        network: Network,
        schedule: Schedule,
        class_weights: Tensor | None = None,
        context: DistributedContext = SINGLE_PROCESS,
        loss_weights: LossWeights | None = None,
        auxiliary: AuxiliaryLosses | None = None,
    ):
        super().__init__()
        self.automatic_optimization = False
        self.job, self.network, self.schedule, self.context = job, network, schedule, context
        self.loss_weights, self.auxiliary = loss_weights, auxiliary
        self.register_buffer("class_weights", class_weights, persistent=False)
        self.register_buffer("weight_factors", None if loss_weights is None else loss_weights.factors, persistent=False)
        self.chunks_done = 0
        self.interval_loss = torch.zeros((), dtype=torch.float64)
        self.interval_samples = 0
        self.val_loss = math.inf
        settings = job.model.training.weight_average
        check_weight_average(settings, context.strategy, context.size, job.model.title)
        self.average = None if settings is None else AveragedWeights(settings, schedule.steps)
        self._step_seed = seed_of("step", job.seed) if context.is_rank_zero else seed_of("step", job.seed, context.rank)
        training = job.model.training
        stochastic = training.augmentation is not None or (
            training.adversarial and training.adversarial.attack == "pgd"
        )
        self._stochastic = bool(stochastic) or any(
            isinstance(m, torch.nn.modules.dropout._DropoutNd) or getattr(m, "draws", False) for m in network.modules()
        )

    @property
    def datamodule(self) -> DataModule:
        """The data of the fit in which the learner is."""
        trainer: Any = self.trainer  # which gets the attribute when a fit begins
        return trainer.datamodule

    @staticmethod
    def n_outputs(task: Any, target: TargetInfo) -> int:
        """Outputs of the network that the task needs to say something of the target."""
        raise NotImplementedError

    @staticmethod
    def outputs(task: Any, target: TargetInfo) -> OutputKind:
        """What the outputs are, where they are numbers in the target's units."""
        return "plain"

    def drop_excluded(self, batch: Batch) -> Batch:
        """The batch without samples that the model is not to learn from; "rows" counts those left, of all workers."""
        return batch

    def compute_outputs(self, batch: Batch) -> Tensor:
        """What the network says of a batch, from which `loss` follows."""
        return self(batch["inputs"])

    def sample_losses(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The loss of each sample of a batch, (n,), whatever its weight."""
        raise NotImplementedError

    def mean_loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The mean of `sample_losses` over samples without weights; a task may compute it in one operation, and weigh
        its classes by `class_weights`.
        """
        return self.sample_losses(outputs, batch).mean()

    def loss(self, outputs: Any, batch: Batch) -> Tensor:
        """Mean loss of a batch, or of a worker's part of it: the one place where weights of samples enter.

        With weights it is Σ w ℓ / n. The weights have the mean 1 over the training split, not over the batch, so that a
        sample counts alike whatever the batch in which it comes.
        """
        weights = self.sample_weights(batch)
        if weights is None:
            return self.mean_loss(outputs, batch)
        return (self.sample_losses(outputs, batch) * weights).mean()

    def sample_weights(self, batch: Batch) -> Tensor | None:
        """The weights of the samples in the loss, (n,) float32, balanced over the classes if so; None without any."""
        if self.loss_weights is None or self.weight_factors is None:
            return None
        labels = batch["targets"][self.job.target] if len(self.weight_factors) > 1 else None
        return self.loss_weights.of(batch["weight"], labels, self.weight_factors)

    def weight(self, batch: Batch) -> Tensor | float:
        """By what a worker's `loss` is multiplied before the workers' are added: samples, or their class weights."""
        return float(len(batch["id"]))

    def configure_model(self) -> None:
        """Called by Lightning once all workers are there: distributes the weights where the strategy says so."""
        if self.context.size > 1 and self.context.strategy == "fsdp":
            assert self.device_mesh is not None  # Lightning's strategy for FSDP has made it
            shard_weights(self.network, self.device_mesh["data_parallel"])

    def forward(self, inputs: Any, truth: Tensor | None = None) -> Tensor:
        """The network's outputs; with `truth`, the losses that its architecture makes itself."""
        return self.network(inputs) if truth is None else self.network(inputs, truth)

    def training_step(self, batch: Any, batch_idx: int) -> None:
        """One chunk of steps: for each the gradient of the mean loss of its batch, or of several together, and one
        update of the weights.
        """
        chunk = self.schedule.chunk(self.chunks_done)
        direct = self._computes_directly()
        optimiser: Any = self.optimizers(use_pl_optimizer=not direct)  # one, as `configure_optimizers` makes one
        losses: list[tuple[Tensor, Tensor | float]] = []
        of_tasks: list[Tensor] = []
        batches = self.datamodule.training_batches(chunk)
        for step in range(chunk.first_step, chunk.last_step):
            self._prepare_step(step, optimiser)
            optimiser.zero_grad(set_to_none=True)
            places = self.datamodule.batches_of_step(step)
            gradients = GradientSum(len(places)) if self.datamodule.accumulate > 1 else None
            for place in places:
                batch = self._augment(self.drop_excluded(next(batches)))
                loss, fraction, auxiliary = self._batch_loss(batch)
                losses.append((loss.detach(), fraction * batch["rows"]))
                self.interval_samples += batch["rows"]
                if self.context.size > 1:  # gradients are averaged over the workers
                    loss = loss * (fraction * self.context.size)
                if gradients is not None:
                    loss = gradients.weigh(loss, self._weight_of_all(batch), batch["rows"])
                if auxiliary is not None:
                    of_tasks.append(auxiliary.sums)
                    of_all = auxiliary.total * self.context.size
                    loss = loss + (of_all if gradients is None else gradients.weigh_by_samples(of_all, batch["rows"]))
                if direct:
                    loss.backward()
                else:
                    self._backward(loss, is_last=place == places[-1])
            if gradients is not None:
                gradients.divide(self.network)
            if direct:
                self.on_before_optimizer_step(optimiser)
            optimiser.step()
            if self.average is not None:
                self.average.update(self.network, step)
        if direct:
            self._count_steps(chunk.last_step - chunk.first_step)
        self.interval_loss += self.context.all_reduce(self._sum(losses)).cpu()
        if not torch.isfinite(self.interval_loss):
            raise Diverged(f"the training loss is {self.interval_loss.item()} after {chunk.last_step} steps")
        if self.auxiliary is not None:
            self.auxiliary.interval.add(self.context.all_reduce(torch.stack(of_tasks).sum(0)))
        self._average_running_statistics()
        self.chunks_done += 1

    def _backward(self, loss: Tensor, is_last: bool) -> None:
        """Through Lightning; workers with DDP exchange gradients once a step, after its last batch."""
        strategy: Any = self.trainer.strategy
        waits = not is_last and isinstance(strategy, DDPStrategy)
        with strategy.block_backward_sync() if waits else nullcontext():
            self.manual_backward(loss)

    def _weight_of_all(self, batch: Batch) -> Tensor | float:
        """The weight of a batch in a mean over several: all workers' `weight`."""
        mine = self.weight(batch)
        return self.context.all_reduce(mine) if isinstance(mine, Tensor) else float(batch["rows"])

    def _computes_directly(self) -> bool:
        """Whether the steps call PyTorch alone: one process in full precision, where Lightning has nothing to add.

        Around each gradient and each step it calls four hooks of every callback, of which none is used here, and of the
        learner, which uses `on_before_optimizer_step`: 5 % of a step of a small network.
        """
        trainer: Any = self.trainer  # whose list of callbacks is no declared attribute
        return (
            self.context.size == 1
            and type(trainer.precision_plugin) is Precision
            and not any(is_overridden(hook, callback) for hook in STEP_HOOKS for callback in trainer.callbacks)
        )

    def _count_steps(self, n: int) -> None:
        """As Lightning's own optimiser does: `trainer.global_step` goes on by n."""
        progress = self.trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        for tracker in (progress.total, progress.current):
            tracker.ready += n
            tracker.completed += n

    def _sum(self, losses: list[tuple[Tensor, Tensor | float]]) -> Tensor:
        """The sum of loss times weight in float64, one after the other: () on the learner's device."""
        if any(isinstance(weight, Tensor) for _, weight in losses):
            total = torch.zeros((), dtype=torch.float64, device=self.device)
            for loss, weight in losses:
                total += loss.double() * weight
            return total
        # Once a chunk and not at each step: three operations fewer, and a GPU is waited for anyway.
        values, total = torch.stack([loss for loss, _ in losses]).tolist(), 0.0
        for value, (_, weight) in zip(values, losses, strict=True):  # from Python 3.12 on `sum` rounds otherwise
            total += value * weight
        return torch.tensor(total, dtype=torch.float64, device=self.device)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Clips the gradient's norm here and not after the backward pass, as in half precision gradients are multiplied
        by the loss scale until Lightning has divided them by it, just before this hook.
        """
        clip = self.job.model.training.gradient_clip
        if clip is not None:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, clip)

    def _augment(self, batch: Batch) -> Batch:
        augmentation = self.job.model.training.augmentation
        if augmentation is None:
            return batch
        return {**batch, "inputs": augment(batch["inputs"], augmentation, self.job.model.title)}

    def _average_running_statistics(self) -> None:
        """Average the running statistics of batch normalisation over the workers, each of which saw its own part of
        the batches, so that all validate and publish the same network.
        """
        if self.context.size == 1:
            return
        averages = [] if self.average is None else self.average.running_statistics(self.network)
        for statistics in (*running_statistics(self.network).values(), *averages):
            statistics.copy_(self.context.all_reduce(statistics.double()) / self.context.size)

    def _batch_loss(self, batch: Batch) -> "BatchLoss":
        """The losses of this worker's part of a batch."""
        if self.auxiliary is None:
            return BatchLoss(*self._loss_and_fraction(self.compute_outputs(batch), batch))
        outputs, of_heads = self.network(batch["inputs"], with_auxiliary=True)
        part = self.auxiliary.part(of_heads, batch, self.sample_weights(batch))
        return BatchLoss(*self._loss_and_fraction(outputs, batch), part)

    def _loss_and_fraction(self, outputs: Any, batch: Batch) -> tuple[Tensor, Tensor | float]:
        """The loss of this worker's part of a batch, and how much of the batch's loss that is; 0 of 0 samples."""
        if batch["rows"] == 0:
            return outputs.sum() * 0.0, 0
        if self.context.size == 1:
            return self.loss(outputs, batch), 1
        # With fewer samples than workers, one without any still takes part in the exchange of gradients.
        loss = self.loss(outputs, batch) if len(batch["id"]) else outputs.sum() * 0.0
        mine = self.weight(batch)
        if not isinstance(mine, Tensor):
            return loss, mine / batch["rows"]
        return loss, mine / self.context.all_reduce(mine)

    def _prepare_step(self, step: int, optimiser: Any) -> None:
        if self._stochastic:
            seed_generators(self.device, self._step_seed, step)
        set_rates(optimiser, self.job.model.training, step, self.schedule.steps)

    def on_validation_epoch_start(self) -> None:
        """Start the sums of a validation, which is that of the averaged weights where there are any."""
        if self.average is not None:
            self.average.swap(self.network)
        self._val_sum = torch.zeros((), dtype=torch.float64, device=self.device)
        self._val_weight = torch.zeros((), dtype=torch.float64, device=self.device)
        self._val_samples = 0
        self._val_of_tasks: list[Tensor] = []

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add a batch's loss to the sums."""
        batch = self.drop_excluded(batch)
        loss, fraction, auxiliary = self._batch_loss(batch)
        if auxiliary is not None:
            self._val_of_tasks.append(auxiliary.sums)
        self._val_sum += loss.double() * (fraction * batch["rows"])
        self._val_samples += batch["rows"]
        weights = self.sample_weights(batch)
        if weights is not None and batch["rows"]:
            self._val_weight += weights.double().sum()

    def on_validation_epoch_end(self) -> None:
        """The mean loss over the split and all workers; raises Diverged where it is not finite."""
        self.val_loss = (self.context.all_reduce(self._val_sum) / self.validation_total()).item()
        if not math.isfinite(self.val_loss):
            raise Diverged(f"the validation loss is {self.val_loss}")
        if self.auxiliary is not None:
            self.auxiliary.validation.add(self.context.all_reduce(torch.stack(self._val_of_tasks).sum(0)))
        self.log("val_loss", self.val_loss, logger=False)  # for Lightning's EarlyStopping

    def on_validation_end(self) -> None:
        """Go on with the weights of the last step; callbacks have had their turn with the averaged ones."""
        if self.average is not None:
            self.average.swap(self.network)

    def take_average(self) -> None:
        """At the end of the fit: the network gets its averaged weights, to be published."""
        if self.average is not None:
            self.average.swap(self.network)

    def validation_total(self) -> Tensor | int:
        """By what the sum of the validation losses of all workers is divided: the sum of weights, or the samples."""
        return self._val_samples if self.loss_weights is None else self.context.all_reduce(self._val_weight)

    def take_interval_loss(self) -> float:
        """Mean training loss of the validation interval that ends here; the next starts from zero."""
        mean = self.interval_loss.item() / self.interval_samples
        self.interval_loss, self.interval_samples = torch.zeros((), dtype=torch.float64), 0
        return mean

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimiser of the model's section `training`."""
        return make_optimiser(self.job.model.training, self.network)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what a fit needs to go on: chunks done, the running loss, the order of samples."""
        checkpoint["learner"] = {
            "chunks_done": self.chunks_done,
            "interval_loss": self.interval_loss,
            "interval_samples": self.interval_samples,
            "order": self.datamodule.order,
        }
        if self.auxiliary is not None:
            checkpoint["learner"]["interval_auxiliary"] = self.auxiliary.interval.sums
        if self.average is not None:
            checkpoint["weight_average"] = self.average.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take over that state; raises UserError where the order of samples is another."""
        state, order = checkpoint["learner"], self.datamodule.order
        if state["order"] != order:
            raise UserError(
                self.job.folder,
                f"was begun with its samples {state['order']}, and would go on with them {order}",
                "restore the section data_loading of config.yaml, or remove this folder to start from the beginning",
            )
        self.chunks_done, self.interval_samples = state["chunks_done"], state["interval_samples"]
        self.interval_loss = state["interval_loss"].cpu()
        if self.auxiliary is not None:
            self.auxiliary.interval.sums = state["interval_auxiliary"].cpu()
        if self.average is not None:
            self.average.load_state_dict(checkpoint["weight_average"])
