"""A convolution with batch normalisation and activation: the brick of the later networks."""

from torch import Tensor, nn

from bevatron.models.layers.activation import ActivationName, activation

EPSILON = 1e-3  # of the Inception family's batch normalisation


class Convolution(nn.Module):
    """Convolution without bias, batch normalisation (Ioffe and Szegedy, arXiv:1502.03167), activation."""

    def __init__(
        self,
        before: int,
        after: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
        name: ActivationName = "relu",
        epsilon: float = EPSILON,
    ):
        super().__init__()
        self.convolution = nn.Conv2d(before, after, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(after, eps=epsilon)
        self.activation = activation(name)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, height, width) to (batch, after, height', width')."""
        return self.activation(self.norm(self.convolution(x)))
