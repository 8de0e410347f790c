"""Regression: squared or absolute error of one number or several, or the likelihood of a Gaussian."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from bevatron.config.loading.kinds import learner
from bevatron.config.sections.task import Regression
from bevatron.models.layers.images import WithHeads
from bevatron.models.layers.outputs import OutputKind
from bevatron.store.shards.contract import TargetInfo
from bevatron.training.heads import loss_with_heads
from bevatron.training.learner import Batch, Learner

ERRORS = {"mse": functional.mse_loss, "mae": functional.l1_loss}


@learner("regression")
class RegressionLearner(Learner):
    """Outputs (batch, k) in the target's units against a target (batch,) or (batch, k); of a Gaussian means and widths,
    (batch, 2 k).

    The loss of a sample is the mean over its k numbers, in standard deviations of each where the task scales them.
    Auxiliary heads within a network enter as in a classification.
    """

    @staticmethod
    def n_outputs(task: Regression, target: TargetInfo) -> int:
        """One for each number, and one for each width."""
        return target.n_numbers * (2 if task.loss == "gaussian_nll" else 1)

    @staticmethod
    def outputs(task: Regression, target: TargetInfo) -> OutputKind:
        """Numbers, or means and widths, in the target's units; as they are where nothing is scaled."""
        if task.loss == "gaussian_nll":
            return "gaussian"
        return "numbers" if task.is_scaled(target.n_numbers) else "plain"

    def sample_losses(self, outputs: Tensor | WithHeads, batch: Batch) -> Tensor:
        """The loss of each sample, (batch,)."""
        target = self._target(batch)
        return loss_with_heads(lambda of: self._number_losses(of, target).mean(1), outputs)

    def mean_loss(self, outputs: Tensor | WithHeads, batch: Batch) -> Tensor:
        """Mean over the samples: in one operation where nothing is scaled."""
        if self.network.outputs.kind != "plain":
            return self.sample_losses(outputs, batch).mean()
        error, target = ERRORS[self._task.loss], self._target(batch)
        return loss_with_heads(lambda of: error(of, target), outputs)

    def _number_losses(self, outputs: Tensor, target: Tensor) -> Tensor:
        """The loss of each number, (batch, k)."""
        task, units = self._task, self.network.outputs
        if task.loss == "gaussian_nll":
            mean, width = outputs.chunk(2, dim=1)
            return gaussian_losses(mean, width, target) - torch.log(units.scale)
        error = ERRORS[task.loss]
        if units.kind == "plain":
            return error(outputs, target, reduction="none")
        return error((outputs - target) / units.scale, torch.zeros_like(target), reduction="none")

    @property
    def _task(self) -> Regression:
        task = self.job.study.task
        assert isinstance(task, Regression)  # as the learner is found by the task's kind
        return task

    def _target(self, batch: Batch) -> Tensor:
        """(batch, k) float32, or float64 where the dataset has that."""
        target = batch["targets"][self.job.target]
        return (target if target.is_floating_point() else target.float()).reshape(len(target), -1)


def gaussian_losses(mean: Tensor, width: Tensor, target: Tensor) -> Tensor:
    """-ln of the Gaussian's density at the target: ½ ((t - μ) / σ)² + ln σ + ½ ln 2π, element by element.

    D. Nix and A. Weigend, Proc. IEEE Int. Conf. Neural Networks 1994, p. 55.
    """
    return 0.5 * ((target - mean) / width) ** 2 + torch.log(width) + 0.5 * math.log(2 * math.pi)
