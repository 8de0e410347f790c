"""Dropout of which a CPU draws four numbers at a time, as PyTorch's own takes a quarter of a large network's step."""

import torch
from torch import Tensor, nn
from torch.nn import functional

STEPS = 2**16  # of the fraction that is dropped: it is rounded to the next one


def dropout(values: Tensor, fraction: float, training: bool) -> Tensor:
    """In training, each number zero with the probability `fraction`, and the others divided by what is left.

    After Srivastava et al., J. Mach. Learn. Res. 15 (2014) 1929. On a CPU the 64 bits of one draw of PyTorch's
    generator decide on four numbers; elsewhere it is PyTorch's own. Any shape; returns the same.
    """
    if not training or not fraction or values.device.type != "cpu":
        return functional.dropout(values, fraction, training)
    dropped = round(fraction * STEPS)
    n = values.numel()
    drawn = torch.empty(-(-n // 4), dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    kept = drawn[:n].view(values.shape) >= dropped - STEPS // 2
    return values * kept.to(values.dtype).mul_(STEPS / (STEPS - dropped))


class Dropout(nn.Module):
    """`dropout` as a module; `draws`: a fit seeds each of its steps, so that it can be interrupted."""

    draws = True

    def __init__(self, fraction: float):
        super().__init__()
        self.fraction = fraction

    def forward(self, values: Tensor) -> Tensor:
        """Values of any shape; returns the same."""
        return dropout(values, self.fraction, self.training)
