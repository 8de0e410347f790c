"""The average of a network's weights over the steps of a fit."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from bevatron.config.sections import training
from bevatron.errors import UserError

RUNNING = ("running_mean", "running_var")


class AveragedWeights:
    """Averages of a network's learned weights, and of batch normalisation's running statistics, from a step on.

    After the first averaged step the average is the network itself. Each later step, the n-th after it, replaces the
    average a by d a + (1 - d) w, where w are the weights. d is min(decay, (1 + n) / (10 + n)) for an exponential
    average (the ramp of TensorFlow's ExponentialMovingAverage) and n / (n + 1) for an equal one. Everything follows
    from the step's number and the tensors here, which `state_dict` returns.

    The running statistics are averaged in the same way. The result is not exactly the statistics of the averaged
    network, but needs no further pass over the data (timm's ModelEmaV3 does the same; `torch.optim.swa_utils.update_bn`
    makes that pass). Other buffers have no meaning as averages, and keep the values of the last step. Each worker
    averages its own copies, which are equal.
    """

    def __init__(self, settings: training.WeightAverage, steps: int):
        self.settings = settings
        self.first_step = min(round(settings.start * steps), steps - 1)
        self._averages: dict[str, Tensor] = {}

    def decay(self, step: int) -> float:
        """The factor of the average at `step`, which is the first averaged step or a later one."""
        n = step - self.first_step
        if n == 0:
            return 0.0
        if self.settings.kind == "equal":
            return n / (n + 1)
        return min(self.settings.decay, (1 + n) / (10 + n))

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Add the network after `step` to the average."""
        if step < self.first_step:
            return
        sources = averaged_tensors(network)
        if step == self.first_step:
            self._averages = {name: source.detach().clone() for name, source in sources.items()}
            return
        self._to_devices_of(sources)
        get_ema_multi_avg_fn(self.decay(step))(list(self._averages.values()), list(sources.values()), None)

    @torch.no_grad()
    def swap(self, network: nn.Module) -> None:
        """Exchange the network's tensors and their averages; does nothing before the first averaged step."""
        sources = averaged_tensors(network)
        for name, average in self._averages.items():
            last = sources[name].clone()
            sources[name].copy_(average)
            average.copy_(last)

    def running_statistics(self, network: nn.Module) -> list[Tensor]:
        """The averages of the network's running statistics."""
        return [self._averages[name] for name in running_statistics(network) if name in self._averages]

    def state_dict(self) -> dict[str, Tensor]:
        """The averages by name; none before the first averaged step."""
        return dict(self._averages)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Use the averages of a checkpoint."""
        self._averages = dict(state)

    def _to_devices_of(self, sources: dict[str, Tensor]) -> None:
        """Move the averages to the devices of the weights, after a checkpoint was loaded.

        Not during a validation, because tensors made in it could not be changed afterwards.
        """
        self._averages = {name: self._averages[name].to(source.device) for name, source in sources.items()}


def averaged_tensors(network: nn.Module) -> dict[str, Tensor]:
    """The tensors of a network that are averaged, by name: weights that are learned, and running statistics."""
    learned = {name: weights for name, weights in network.named_parameters() if weights.requires_grad}
    return learned | running_statistics(network)


def running_statistics(network: nn.Module) -> dict[str, Tensor]:
    """The running means and variances of batch normalisation, PyTorch's and our own, by name."""
    return {name: buffer for name, buffer in network.named_buffers() if name.rpartition(".")[2] in RUNNING}


def check_weight_average(settings: Any, strategy: str, n_workers: int, title: str) -> None:
    """Raises UserError if FSDP distributes the weights that are to be averaged."""
    if settings is not None and n_workers > 1 and strategy == "fsdp":
        raise UserError(
            f"training.weight_average of {title}",
            "each worker averages whole weights, which FSDP distributes",
            "set workers.strategy to 'ddp', or leave weight_average out",
        )
