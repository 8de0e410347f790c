"""A limit on the size of networks while they are built: a description in a file may ask for more than there is."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.modules import module as hooks

NUMBERS = 2**24  # that a network may hold beside its weights, as tables that are built with it
PARTS = 1_000  # layers and tensors beside those that have weights


@contextmanager
def size_limit(weights: dict[str, Tensor]) -> Iterator[None]:
    """Networks built within are of the size of `weights`; one that grows far beyond raises ValueError.

    PyTorch tells of every tensor after it was asked of the system and before it is filled, so that the refused network
    takes no memory.
    """
    held = sum(tensor.numel() for tensor in weights.values())
    built = {"numbers": 0, "parts": 0}

    def count(_: nn.Module, __: str, part: nn.Module | Tensor | None) -> None:
        if part is None:
            return
        built["parts"] += 1
        built["numbers"] += part.numel() if isinstance(part, Tensor) else 0
        # Twice the weights: an architecture may put a part into the place of another.
        if built["numbers"] > 2 * held + NUMBERS:
            raise ValueError(f"the weights beside it are {held:,} numbers, and the network that it describes has more")
        if built["parts"] > 10 * len(weights) + PARTS:
            raise ValueError(
                f"the weights beside it are {len(weights):,} tensors, and the network that it describes has more"
            )

    handles = [
        hooks.register_module_parameter_registration_hook(count),
        hooks.register_module_buffer_registration_hook(count),
        hooks.register_module_module_registration_hook(count),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
