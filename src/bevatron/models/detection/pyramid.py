"""A pyramid of features: an image halved again and again, and what the small ones say brought back to larger ones."""

from torch import Tensor, nn
from torch.nn import functional

from bevatron.models.layers.convolution import Convolution

EPSILON = 1e-5


class Pyramid(nn.Module):
    """Feature pyramid (Lin et al. 2017, arXiv:1612.03144), of which one level is given back.

    On the way down each level halves the image with a 3 × 3 convolution of stride 2, and adds what further 3 × 3
    convolutions make of that to it. On the way back the coarser level is enlarged by the nearest cell, and a 1 × 1
    convolution of the finer one is added. So a cell of the level that is given back sees far, and keeps its place.

    Shapes: (batch, depth, height, width) to (batch, width, ⌈height / 2ⁿ⌉, ⌈width / 2ⁿ⌉), where n is `level`.
    """

    def __init__(self, depth: int, channels: list[int], convolutions: int, level: int, width: int):
        super().__init__()
        self.level = level
        self.down, self.further = nn.ModuleList(), nn.ModuleList()
        for number, after in enumerate(channels, start=1):
            self.down.append(Convolution(depth, after, 3, 2, 1, epsilon=EPSILON))
            more = convolutions if number >= level else 0  # the first levels have most cells, and look at single pixels
            self.further.append(nn.ModuleList(Convolution(after, after, 3, 1, 1, epsilon=EPSILON) for _ in range(more)))
            depth = after
        self.across = nn.ModuleList(nn.Conv2d(after, width, 1) for after in channels[level - 1 :])

    def forward(self, image: Tensor) -> Tensor:
        """(batch, depth, height, width) to the features of one level, (batch, width, rows, columns)."""
        levels: list[Tensor] = []
        for down, further in zip(self.down, self.further, strict=True):
            image = down(image)
            for convolution in further.children():
                image = image + convolution(image)
            levels.append(image)
        features = self.across[-1](levels[-1])
        for across, finer in zip(reversed(self.across[:-1]), reversed(levels[self.level - 1 : -1]), strict=True):
            enlarged = functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = across(finer) + enlarged[:, :, : finer.shape[2], : finer.shape[3]]
        return functional.relu(features)
