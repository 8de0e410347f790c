"""Generative adversarial networks: one network makes images, another tells them from real ones."""

from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parameters_to_vector, vector_to_parameters
from torch.nn.utils.parametrizations import spectral_norm

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Integer
from bevatron.models.layers.images import image_shape, join_images
from bevatron.models.layers.inputs import InputGroup, Inputs

SLOPE = 0.2  # of the leaky ReLUs (A. Radford et al., arXiv:1511.06434)


@architecture("gan")
class GAN(nn.Module):
    """A generator G makes images from noise z, a discriminator D estimates how likely an image is real; both learn
    together (I. Goodfellow et al., arXiv:1406.2661).

    D climbs V = E ln D(x) + E ln(1 - D(G(z))). G descends it (minimax), or, as D is too sure of itself early on for
    that to have a gradient, climbs E ln D(G(z)) (non_saturating). Both take their step from the same batch, at the same
    time: `forward` with truth returns both losses, in each of which the other network's weights are constants, so that
    their sum has the gradients of both. With spectral normalisation D's layers are scaled to a Lipschitz constant of
    one (T. Miyato et al., arXiv:1802.05957).

    Shapes: inputs {group: (batch, channels, height, width)}, values as they come from the dataset; returns D's output
    before the sigmoid (batch, 1); with truth the losses of D and of G for each sample, (batch, 2). `generate` makes
    images (n, channels, height, width), with output `sigmoid` in [0, 1]. `remember` keeps G's weights and V of a
    moment of the training in buffers, which checkpoints and the published weights hold as well.
    """

    TASKS = ("generation",)
    NO_ONNX = "it is two networks, and its answer is images made of noise"
    draws = True

    class Options(Options):
        latent: Count = Field(default=16, description="dimension of the generator's noise, standard normal")
        generator: list[Count] = Field(default=[128, 128], description="units of G's hidden layers")
        discriminator: list[Count] = Field(default=[128, 128], description="units of D's hidden layers")
        loss: Literal["minimax", "non_saturating"] = Field(
            default="non_saturating", description="loss of the generator"
        )
        spectral_normalisation: bool = Field(
            default=False, description="scale D's layers to a Lipschitz constant of one"
        )
        snapshots: Integer = Field(default=6, ge=2, description="evenly spaced epochs whose images are kept")
        output: Literal["sigmoid", "linear"] = Field(default="sigmoid", description="G's last activation")

    past_weights: Tensor
    past_objective: Tensor
    past_epoch: Tensor

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups, self.shape = list(inputs), image_shape(inputs, options.kind)
        self.latent, self.saturating, self.sigmoid = (
            options.latent,
            options.loss == "minimax",
            options.output == "sigmoid",
        )
        pixels = self.shape[0] * self.shape[1] * self.shape[2]
        self.generator = nn.Sequential(*_layers([options.latent, *options.generator, pixels]))
        self.discriminator = Discriminator(
            *_layers([pixels, *options.discriminator, 1], options.spectral_normalisation)
        )
        n = sum(weights.numel() for weights in self.generator.parameters())
        self.register_buffer("past_weights", torch.zeros(options.snapshots, n))
        self.register_buffer("past_objective", torch.zeros(options.snapshots, dtype=torch.float64))
        self.register_buffer("past_epoch", torch.zeros(options.snapshots, dtype=torch.int64))  # 0: not remembered

    def forward(self, inputs: Inputs, truth: Tensor | None = None) -> Tensor:
        """D's output before the sigmoid (batch, 1), or with `truth` the losses of D and of G, (batch, 2)."""
        real = join_images(inputs, self.groups)
        if truth is None:
            return self.discriminator(real.flatten(1))
        generated = self._images(torch.randn(len(real), self.latent, device=real.device, dtype=real.dtype)).flatten(1)
        of_real, of_generated, judged = self.discriminator(real.flatten(1), generated)
        # ln D = -softplus(-d), ln(1 - D) = -softplus(d), for D the sigmoid of d.
        loss_d = functional.softplus(-of_real) + functional.softplus(of_generated)
        loss_g = -functional.softplus(judged) if self.saturating else functional.softplus(-judged)
        return torch.cat([loss_d, loss_g], dim=1)

    def remember(self, index: int, epoch: int, objective: float) -> None:
        """G as it is now, V and the epoch, at a place of those that `snapshots` asks for."""
        with torch.no_grad():
            self.past_weights[index] = parameters_to_vector(self.generator.parameters())
        self.past_objective[index], self.past_epoch[index] = objective, epoch

    def recall(self, index: int) -> None:
        """Put the weights remembered there back into G."""
        with torch.no_grad():
            vector_to_parameters(self.past_weights[index], self.generator.parameters())

    def generate(self, n: int, random: torch.Generator) -> Tensor:
        """Images (n, channels, height, width) made of noise that `random` draws."""
        noise = torch.randn(n, self.latent, generator=random)
        return self._images(noise.to(next(self.generator.parameters()).device))

    def _images(self, noise: Tensor) -> Tensor:
        generated = self.generator(noise)
        return (generated.sigmoid() if self.sigmoid else generated).unflatten(1, self.shape)


class Discriminator(nn.Sequential):
    """D before the sigmoid; given images that were made as well, D of both, and D of those made once more, with D's
    weights as constants, for G to learn from. The weights, and with spectral normalisation one more power iteration for
    each of them, are computed once for all three.
    """

    def forward(self, images: Tensor, generated: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor, Tensor]:
        """Images (batch, pixels) to (batch, 1); with `generated` images of the same shape, three such outputs."""
        if generated is None:
            return super().forward(images)
        weights: list[tuple[Tensor, Tensor]] = [
            (layer.weight, layer.bias) for layer in self if isinstance(layer, nn.Linear)
        ]
        constants = [(weight.detach(), bias.detach()) for weight, bias in weights]
        of_both = _discriminate(torch.cat([images, generated.detach()]), weights)
        return of_both[: len(images)], of_both[len(images) :], _discriminate(generated, constants)


def _discriminate(values: Tensor, weights: list[tuple[Tensor, Tensor]]) -> Tensor:
    *hidden, last = weights
    for weight, bias in hidden:
        values = functional.leaky_relu(functional.linear(values, weight, bias), SLOPE)
    return functional.linear(values, *last)


def _layers(widths: list[int], spectral: bool = False) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        linear = nn.Linear(before, after)
        layers += [spectral_norm(linear) if spectral else linear, nn.LeakyReLU(SLOPE)]
    return layers[:-1]
