"""CenterNet: a network that finds objects in an image by their centres, in one stage and without anchors."""

import math

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction, Positive
from bevatron.errors import UserError
from bevatron.models.detection.anchors import anchors
from bevatron.models.detection.boxes import decode
from bevatron.models.detection.centre_maps import centre_gaussians, centre_loss, place_loss
from bevatron.models.detection.peaks import find_peaks
from bevatron.models.detection.pyramid import EPSILON, Pyramid
from bevatron.models.layers.convolution import Convolution
from bevatron.models.layers.images import image_shape, join_images
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs

FIRST_GUESS = 0.01  # probability of a centre in a cell before anything is learned
PLACE_WEIGHT = 5.0  # of the boxes' loss beside the centres' (Liu et al. 2020, sec. 4.1)


@architecture("center_net")
class CenterNet(nn.Module):
    """X. Zhou, D. Wang and P. Krähenbühl, arXiv:1904.07850, learned as by Z. Liu et al., arXiv:1909.00700 (TTFNet).

    For every cell of a feature map and every class the network says whether an object's centre lies there, and for
    every cell it draws one box. All cells near a centre learn its box, each in proportion to a Gaussian around it, and
    the loss is one less the generalised overlap: so few epochs are needed. There are no proposals, of which a head must
    be learned after they are good, and no suppression: a detection is a peak of a map. The backbone is small: a pyramid
    of features whose finest level is given back. A box is told as the shift of a square around its cell, so that the
    box need not hold the cell's centre, as thin ones do not.

    Shapes: inputs {group: (batch, channels, height, width)}, of one size. Returns what it finds, (batch,
    max_detections, 6): x1, y1, x2, y2 as fractions of the width and height, score, class number; best first, and
    behind the last one rows of zeros with class -1. With `truth` (batch, n, 5), boxes as fractions and class numbers,
    -1 where there is no box, it returns two losses of each image instead, (batch, 2): of centres and of boxes.

    Raises UserError for inputs that are no images, and for a `level` that the channels do not have.
    """

    TASKS = ("detection",)

    class Options(Options):
        channels: list[Count] = Field(
            default=[16, 32, 64, 96, 128],
            description="channels of the levels, each of which halves the image",
            min_length=1,
        )
        convolutions: Count = Field(default=1, description="3 × 3 convolutions at each level, from `level` on")
        level: Count = Field(
            default=2, description="level whose cells are looked at, of 2 pixels a side to the power of it"
        )
        width: Count = Field(default=64, description="channels of the features and of the hidden layer")
        reference: Positive = Field(default=24.0, description="side of the square of which a box is a shift, pixels")
        min_score: Fraction = Field(default=0.05, description="probability from which a peak is a detection")
        max_detections: Count = Field(default=20, description="detections of an image at most")
        initialisation: Initialisation = Field(default_factory=Initialisation, description="of all but the last layers")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.options, self.groups = options, list(inputs)
        depth, _, _ = image_shape(inputs, options.kind)
        if options.level > len(options.channels):
            what = f"level {options.level} of {len(options.channels)} levels"
            raise UserError("architecture center_net", what, "name more `channels`, or a lower `level`")
        self.stride = 2**options.level
        self.pyramid = Pyramid(depth, options.channels, options.convolutions, options.level, options.width)
        self.hidden = Convolution(options.width, options.width, 3, 1, 1, epsilon=EPSILON)
        self.centres = nn.Conv2d(options.width, n_outputs, 1)
        self.deltas = nn.Conv2d(options.width, 4, 1)
        initialise(self, options.initialisation)
        for last in (self.centres, self.deltas):
            nn.init.normal_(last.weight, std=0.01)  # at first nothing is sure, and nothing shifted
        if self.centres.bias is not None:
            nn.init.constant_(self.centres.bias, -math.log(1 / FIRST_GUESS - 1))

    def forward(self, inputs: Inputs, truth: Tensor | None = None) -> Tensor:
        """Detections (batch, max_detections, 6); with `truth` (batch, n, 5) two losses of each image, (batch, 2)."""
        image = join_images(inputs, self.groups)
        height, width = image.shape[2:]
        features = self.hidden(self.pyramid(image))
        logits = self.centres(features).float()
        rows, columns = logits.shape[2:]
        deltas = self.deltas(features).float().flatten(2).transpose(1, 2)
        squares = anchors([self.options.reference], [1.0], rows, columns, self.stride, image.device)
        boxes = decode(deltas, squares)
        if truth is None:
            return find_peaks(logits, boxes, (height, width), self.options.min_score, self.options.max_detections)
        present = truth[..., 4] >= 0
        true_boxes = truth[..., :4] * truth.new_tensor([width, height, width, height]) * present.unsqueeze(2)
        with torch.no_grad():
            gaussians = centre_gaussians(true_boxes, present, rows, columns, self.stride)
        label = truth[..., 4].clamp(min=0).long()
        of_centres = centre_loss(logits, gaussians, label, present)
        of_boxes = place_loss(boxes, gaussians, true_boxes, present)
        return torch.stack([of_centres, PLACE_WEIGHT * of_boxes], 1)
