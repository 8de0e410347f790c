"""A U-Net over sparse images: what each charged pixel is."""

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count
from bevatron.errors import UserError
from bevatron.models.layers.batch_norm import BatchNorm
from bevatron.models.layers.images import one_image
from bevatron.models.layers.inputs import InputGroup, Inputs, sparse_group
from bevatron.models.layers.sparse_convolution import Downsample, SubmanifoldConvolution, Upsample
from bevatron.models.layers.sparse_sites import SparseResolution, resolutions_of, sites_of


@architecture("sparse_unet")
class SparseUNet(nn.Module):
    """O. Ronneberger et al., arXiv:1505.04597, of submanifold convolutions with residual blocks, as L. Dominé and
    K. Terao have it (UResNet, arXiv:1903.05663) and MicroBooNE (SparseSSNet, arXiv:2012.08513).

    On the way down each resolution has `blocks` residual blocks of two 3 × 3 convolutions, then a 2 × 2 convolution of
    stride 2; on the way up its transpose, beside which the values of the way down are laid. The l-th resolution has
    l + 1 times `width` features. Batch normalisation is over the pixels that there are. Planes of a group are images of
    their own, which the same weights read.

    Shapes: inputs {group: sparse images}, one group; returns logits (n_pixels, n_classes), the pixels in the order in
    which they are stored, one sample after another. Raises UserError for inputs that are no one group of images, and
    for images with fewer pixels a side than resolutions can halve.
    """

    TASKS = ("segmentation",)
    SPARSE = True
    NO_ONNX = "which pixels are neighbours follows from the image, and its gathers have no form of their own in ONNX"

    class Options(Options):
        width: Count = Field(default=16, description="features of a pixel at the first resolution")
        resolutions: Count = Field(default=5, le=10, description="resolutions, each half of the one before")
        blocks: Count = Field(default=1, description="residual blocks at each resolution, on the way down and up")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.options, self.group = options, _image(inputs, options.resolutions)
        widths = [options.width * (level + 1) for level in range(options.resolutions)]
        self.first = SubmanifoldConvolution(1, widths[0])
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        self.downsample, self.upsample = nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            self.down.append(nn.ModuleList(SparseResidual(width, width) for _ in range(options.blocks)))
            if level == len(widths) - 1:
                continue
            below = widths[level + 1]
            self.downsample.append(Resampled(Downsample(width, below), width))
            self.upsample.append(Resampled(Upsample(below, width), below))
            self.up.append(
                nn.ModuleList(SparseResidual(2 * width if k == 0 else width, width) for k in range(options.blocks))
            )
        self.norm = BatchNorm(widths[0], relu=True)
        self.classes = nn.Linear(widths[0], n_outputs)

    @property
    def multiplications(self) -> list[int]:
        """By resolution, multiplications that one of its pixels costs; that of a step to or from the next coarser one
        counts for that one's pixels, each of which it reads or makes once.
        """
        found = [0] * self.options.resolutions
        found[0] += self.first.weight.numel() + self.classes.weight.numel()
        for blocks in (self.down, self.up):
            for level, of_level in enumerate(blocks):
                for module in of_level.modules():
                    if isinstance(module, SubmanifoldConvolution | nn.Linear):
                        found[level] += module.weight.numel()
        for steps in (self.downsample, self.upsample):
            for level, step in enumerate(steps):
                found[level + 1] += sum(m.weight.numel() for m in step.modules() if isinstance(m, nn.Linear))
        return found

    def forward(self, inputs: Inputs) -> Tensor:
        """Logits (n_pixels, n_classes)."""
        sparse = sparse_group(inputs, self.group)
        at = resolutions_of(sites_of(sparse), self.options.resolutions)
        values = self.first(sparse.value.unsqueeze(1), at[0])
        kept: list[Tensor] = []
        for level, blocks in enumerate(self.down):
            for block in blocks:  # pyright: ignore[reportGeneralTypeIssues]  # a ModuleList
                values = block(values, at[level])
            if level < len(self.downsample):
                kept.append(values)
                values = self.downsample[level](values, at[level])
        for level in reversed(range(len(self.up))):
            values = torch.cat([kept[level], self.upsample[level](values, at[level])], 1)
            for block in self.up[level]:  # pyright: ignore[reportGeneralTypeIssues]
                values = block(values, at[level])
        return self.classes(self.norm(values))


class SparseResidual(nn.Module):
    """x + two convolutions of it, each after batch normalisation and max(0, ·) (He et al., arXiv:1603.05027)."""

    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.norms = nn.ModuleList([BatchNorm(width, relu=True), BatchNorm(outputs, relu=True)])
        self.convolutions = nn.ModuleList(
            [SubmanifoldConvolution(width, outputs), SubmanifoldConvolution(outputs, outputs)]
        )
        self.shortcut = nn.Identity() if width == outputs else nn.Linear(width, outputs, bias=False)

    def forward(self, values: Tensor, at: SparseResolution) -> Tensor:
        """Values (n, width) to (n, outputs)."""
        changed = values
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            changed = convolution(norm(changed), at)
        return self.shortcut(values) + changed


class Resampled(nn.Module):
    """To another resolution, after batch normalisation and max(0, ·)."""

    def __init__(self, layer: Downsample | Upsample, width: int):
        super().__init__()
        self.norm, self.layer = BatchNorm(width, relu=True), layer

    def forward(self, values: Tensor, at: SparseResolution) -> Tensor:
        """Values of one resolution to those of the other; `at` is the finer one."""
        return self.layer(self.norm(values), at)


def _image(inputs: dict[str, InputGroup], resolutions: int) -> str:
    """The name of the one group. Raises UserError where it is no image that can be halved so often."""
    name, shape = one_image(inputs, "sparse_unet")
    smallest = min(shape[1:])
    if smallest < 2 ** (resolutions - 1):
        what = f"'{name}' has {smallest} pixels along its shorter side, which cannot be halved {resolutions - 1} times"
        raise UserError("architecture sparse_unet", what, "take larger images or fewer `resolutions`")
    return name
