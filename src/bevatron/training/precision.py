"""Half precision, the same on every device."""

import torch
from pytorch_lightning.plugins.precision import MixedPrecision

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.errors import UserError


def half_precision(context: DistributedContext, device: torch.device, title: str) -> list[MixedPrecision]:
    """Lightning's plugin for `training.precision: 16-mixed` of the model `title`: float16 with a scaled loss.

    Asked for by its name alone, Lightning would compute in bfloat16 on a CPU: another result of the same setting. With
    the plugin a CPU computes in float16 too, slowly. Raises UserError where FSDP distributes the weights, as Lightning
    has no loss scaling for it.
    """
    if context.size > 1 and context.strategy == "fsdp":
        raise UserError(
            f"training.precision of {title}",
            "'16-mixed' scales its loss, which weights shared out by FSDP do not support",
            "choose 'bf16-mixed', or set workers.strategy to 'ddp'",
        )
    return [MixedPrecision("16-mixed", device.type, torch.amp.GradScaler(device.type))]
