"""Wiener's filter: the best linear filter for images of known spectrum in noise of known spectrum."""

import torch
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.errors import UserError
from bevatron.models.closed_form import Labelled, Losses, weighted_mean, weighted_squared_error
from bevatron.models.layers.images import image_shape, join_images
from bevatron.models.layers.inputs import InputGroup, Inputs


@architecture("wiener")
class Wiener(nn.Module):
    """x ↦ m + F⁻¹[H F(x − m)], H = S / (S + N), channel by channel (N. Wiener 1949).

    S is the mean power spectrum of the clean images about their mean m, N that of what the noisy ones add; both are
    those of the training split, at each frequency of the discrete transform, so that the borders are joined (circular).
    It is the best of all filters that treat every place in the image alike. Shapes: inputs {group: (batch, channels,
    height, width)}, one group; returns (batch, n_outputs), images of the same shape one pixel after the other.
    Raises UserError for a target of another shape.
    """

    TASKS = ("reconstruction",)
    PHYSICAL = True  # what it says is in the unit of what it reads
    DETERMINISTIC = True  # nothing is drawn at random: every training gives the same numbers
    NO_ONNX = "it filters in Fourier space"

    class Options(Options):
        pass

    mean: Tensor
    gain: Tensor

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.groups, self.shape = list(inputs), image_shape(inputs, options.kind)
        channels, height, width = self.shape
        if channels * height * width != n_outputs:
            what = f"'{options.kind}' filters images of {channels * height * width} pixels, the target has {n_outputs}"
            raise UserError("inputs", what, "give it inputs of the target's size")
        self.register_buffer("mean", torch.zeros(self.shape))
        self.register_buffer("gain", torch.ones(channels, height, width // 2 + 1))

    def n_fitted(self) -> int:
        """The mean image and the gain at each frequency, number by number."""
        return self.mean.numel() + self.gain.numel()

    def rows(self, inputs: Inputs) -> Tensor:
        """Images as rows of pixels: (batch, channels × height × width)."""
        return join_images(inputs, self.groups).flatten(1)

    def forward(self, inputs: Inputs) -> Tensor:
        """Images {group: (batch, channels, height, width)} to filtered pixels (batch, n_outputs)."""
        return self._filter(join_images(inputs, self.groups)).flatten(1)

    def fit_closed_form(self, training: Labelled, validation: Labelled, seed: int, keep_best: bool) -> list[Losses]:
        """Set the mean and the gain from the training split's spectra; the mean squared error of both splits."""
        clean = training.labels.double().unflatten(1, self.shape)
        noise = training.rows.double().unflatten(1, self.shape) - clean
        mean = weighted_mean(clean, training.weights)
        signal_power = weighted_mean(torch.fft.rfft2(clean - mean).abs().square(), training.weights)
        noise_power = weighted_mean(torch.fft.rfft2(noise).abs().square(), training.weights)
        self.mean.copy_(mean)
        self.gain.copy_(signal_power / (signal_power + noise_power).clamp_min(torch.finfo(torch.float64).tiny))
        return [Losses(self._loss(training), self._loss(validation))]

    def _filter(self, images: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(images - self.mean)
        return self.mean + torch.fft.irfft2(self.gain * spectrum, s=self.shape[1:])

    def _loss(self, split: Labelled) -> float:
        outputs = self._filter(split.rows.unflatten(1, self.shape)).flatten(1)
        return weighted_squared_error(outputs, split.labels, split.weights)
