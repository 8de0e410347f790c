"""Lightning's strategies for a group of workers that somebody else has started (Ray Train, torchrun, a test)."""

from typing import Any

import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.strategies import DDPStrategy, ModelParallelStrategy, Strategy

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.models.network import Network

MIN_SHARDED_WEIGHTS = 100_000  # weights; below, gathering a module on its own costs more than the memory is worth


def make_strategy(context: DistributedContext, device: torch.device) -> Strategy | str:
    """What Lightning's Trainer takes: one device alone, DDP, or FSDP."""
    if context.size == 1:
        return "auto"
    if context.strategy == "fsdp":
        return _SharedWeights(device, context)
    return _WholeWeights(device)


class ContextEnvironment(LightningEnvironment):
    """Tells Lightning of the workers that are there; it starts none, and requeues no batch job behind our back."""

    def __init__(self, context: DistributedContext):
        super().__init__()
        self._context = context

    @property
    def creates_processes_externally(self) -> bool:
        """True: Lightning starts no process."""
        return True

    def world_size(self) -> int:
        """Number of workers."""
        return self._context.size

    def global_rank(self) -> int:
        """Number of this worker among all."""
        return self._context.rank

    def local_rank(self) -> int:
        """0: a worker uses one device, and knows which."""
        return 0  # a worker uses one device, and knows which

    def node_rank(self) -> int:
        """Number of this worker: to Lightning each is a node of its own."""
        return self._context.rank

    def set_world_size(self, size: int) -> None:
        """The size is fixed."""

    def set_global_rank(self, rank: int) -> None:
        """The rank is fixed."""

    def teardown(self) -> None:
        """Whoever made the process group ends it."""


class _OnItsDevice:
    """A worker computes on its own device, wherever that is in the node's list, and cuts its data itself."""

    _device: torch.device

    @property
    def root_device(self) -> torch.device:
        return self._device

    @property
    def distributed_sampler_kwargs(self) -> dict[str, Any]:
        raise NotImplementedError("the DataModule gives each worker its part")


class _WholeWeights(_OnItsDevice, DDPStrategy):
    def __init__(self, device: torch.device):
        super().__init__()
        self._device = device


class _SharedWeights(_OnItsDevice, ModelParallelStrategy):
    """FSDP; a checkpoint is one file of whole tensors, so that any number of workers, with FSDP or not, goes on."""

    def __init__(self, device: torch.device, context: DistributedContext):
        super().__init__(data_parallel_size=context.size, tensor_parallel_size=1, save_distributed_checkpoint=False)
        self._device = device


def shard_weights(network: Network, mesh: Any) -> None:
    """Distribute weights, gradients and the optimiser's state of the network over the workers (FSDP).

    The parts of the architecture that are large are gathered one after the other, when they are needed.
    """
    from torch.distributed.fsdp import fully_shard

    for module in network.architecture.children():
        if sum(p.numel() for p in module.parameters()) >= MIN_SHARDED_WEIGHTS:
            fully_shard(module, mesh=mesh)
    fully_shard(network, mesh=mesh)
