"""Images changed at random while a network learns, in ways that leave what they show as it is."""

import torch
from torch import Tensor
from torch.nn import functional

from bevatron.config.sections.training import Augmentation
from bevatron.errors import UserError
from bevatron.models.layers.inputs import Inputs


def augment(inputs: Inputs, augmentation: Augmentation, title: str) -> Inputs:
    """Each sample mirrored or not, and shifted by whole pixels, the same in all its groups; what comes in is empty.

    Shapes: inputs {group: (batch, channels, height, width)}; returns the same. Draws from torch's generator. Raises
    UserError for inputs that are no images.
    """
    images: dict[str, Tensor] = {}
    for name, group in inputs.items():
        if not isinstance(group, Tensor) or group.ndim != 4:
            raise UserError(
                f"training.augmentation of {title}", f"the input group '{name}' holds no images", "remove it"
            )
        images[name] = group
    first = next(iter(images.values()))
    n, device, max_shift = len(first), first.device, augmentation.shift
    flips = torch.rand(n, device=device) < 0.5
    down, right = torch.randint(0, 2 * max_shift + 1, (2, n), device=device)
    return {
        name: _mirror_and_shift(x, flips if augmentation.mirror else None, down, right, max_shift)
        for name, x in images.items()
    }


def _mirror_and_shift(x: Tensor, flips: Tensor | None, down: Tensor, right: Tensor, max_shift: int) -> Tensor:
    if flips is not None:
        x = torch.where(flips[:, None, None, None], x.flip(3), x)
    if max_shift == 0:
        return x
    n, _, height, width = x.shape
    rows = down[:, None] + torch.arange(height, device=x.device)
    columns = right[:, None] + torch.arange(width, device=x.device)
    wide = functional.pad(x, (max_shift, max_shift, max_shift, max_shift))
    which = torch.arange(n, device=x.device)[:, None, None]
    return wide[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()
