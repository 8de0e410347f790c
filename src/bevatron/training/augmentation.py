"""Images changed at random while a network learns, in ways that leave what they show as it is."""

import torch
from torch import Tensor
from torch.nn import functional

from bevatron.config.sections.training import Augmentation
from bevatron.errors import UserError
from bevatron.models.layers.inputs import Inputs


def augmented(inputs: Inputs, wanted: Augmentation, title: str) -> Inputs:
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
    n, device, far = len(first), first.device, wanted.shift
    flips = torch.rand(n, device=device) < 0.5
    down, right = torch.randint(0, 2 * far + 1, (2, n), device=device)
    return {name: _changed(x, flips if wanted.mirror else None, down, right, far) for name, x in images.items()}


def _changed(x: Tensor, flips: Tensor | None, down: Tensor, right: Tensor, far: int) -> Tensor:
    if flips is not None:
        x = torch.where(flips[:, None, None, None], x.flip(3), x)
    if far == 0:
        return x
    n, _, height, width = x.shape
    rows = down[:, None] + torch.arange(height, device=x.device)
    columns = right[:, None] + torch.arange(width, device=x.device)
    wide = functional.pad(x, (far, far, far, far))
    which = torch.arange(n, device=x.device)[:, None, None]
    return wide[which, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2).contiguous()
