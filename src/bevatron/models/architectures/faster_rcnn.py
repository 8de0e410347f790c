"""Faster R-CNN: a network that finds objects in an image, says what they are, and draws a box around each."""

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction, Positive
from bevatron.errors import UserError
from bevatron.models.detection.box_head import BoxHead, detections, head_losses, sample_proposals
from bevatron.models.detection.proposals import RegionProposals, proposal_losses, proposals
from bevatron.models.detection.roi_align import roi_align
from bevatron.models.layers.images import one_image
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs, dense_group

AT_ONCE = 2**21  # pixels whose features are in memory at a time where no gradient is asked for


@architecture("faster_rcnn")
class FasterRCNN(nn.Module):
    """Ren, He, Girshick, Sun (2015), arXiv:1506.01497, with RoI align (arXiv:1703.06870) in the place of RoI pooling.

    A convolutional network makes a feature map; a small network over it proposes boxes, as shifts of anchors; a head
    reads the feature map inside of each proposal, names its class or calls it background, and shifts its box once more.
    All are learned together, from one sum of four losses. The backbone is small and its own: blocks of two 3 × 3
    convolutions and a max-pool, each halving the image, then convolutions at the last resolution that look ever
    further around (dilated, added to what they read: Yu and Koltun, arXiv:1511.07122), so that small objects keep
    their place and large ones are seen whole.

    Shapes: inputs {group: (batch, channels, height, width)}, one group. Returns what it finds, (batch,
    max_detections, 6): x1, y1, x2, y2 as fractions of the width and height, score, class number; best first, and
    behind the last one rows of zeros with class -1. With `truth` (batch, n, 5), boxes as fractions and class numbers,
    -1 where there is no box, it returns the four losses of each image instead, (batch, 4): objectness and place of the
    proposals, class and place of the head.

    Raises UserError for inputs that are no image, and for an image that is too small for the feature map.
    """

    TASKS = ("detection",)
    NO_ONNX = "how many boxes it looks at follows from what it finds in the image"
    draws = True

    class Options(Options):
        channels: list[Count] = Field(
            default=[24, 48], description="channels of the blocks, each of which halves the image", min_length=1
        )
        context: list[Count] = Field(
            default=[2, 4], description="dilations of the 3 × 3 convolutions at the last resolution, in cells"
        )
        anchor_sizes: list[Positive] = Field(
            default=[16.0, 32.0, 64.0], description="square roots of the anchors' areas, in pixels", min_length=1
        )
        aspect_ratios: list[Positive] = Field(
            default=[0.5, 1.0, 2.0], description="height over width of the anchors", min_length=1
        )
        candidates: Count = Field(
            default=300, description="anchors with the highest objectness that can become proposals"
        )
        proposal_overlap: Fraction = Field(
            default=0.7, description="overlap with a better proposal at which a proposal is removed"
        )
        proposals: Count = Field(default=64, description="proposals of an image that the head looks at")
        proposal_samples: Count = Field(
            default=128, description="anchors of an image from which the proposals are learned"
        )
        roi_size: Count = Field(default=7, description="parts along each side of a proposal in which features are read")
        roi_points: Count = Field(default=2, description="places along each side of a part whose mean is taken")
        roi_samples: Count = Field(default=64, description="proposals of an image from which the head is learned")
        widths: list[Count] = Field(default=[128], description="units of the head's hidden layers", min_length=1)
        min_score: Fraction = Field(default=0.05, description="probability from which a box is a detection")
        overlap: Fraction = Field(
            default=0.5, description="overlap with a better detection of its class at which a detection is removed"
        )
        max_detections: Count = Field(default=20, description="detections of an image at most")
        initialisation: Initialisation = Field(default_factory=Initialisation, description="of all but the last layers")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int):
        super().__init__()
        self.options, self.n_classes = options, n_outputs
        self.group, depth = _image(inputs, 2 ** len(options.channels))
        blocks: list[nn.Module] = []
        for width in options.channels:
            blocks += [nn.Conv2d(depth, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)]
            blocks += [nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
            depth = width
        self.backbone = nn.Sequential(*blocks)
        self.context = Context(depth, options.context)
        self.stride = 2 ** len(options.channels)
        self.proposals = RegionProposals(depth, self.stride, options.anchor_sizes, options.aspect_ratios)
        self.head = BoxHead(depth * options.roi_size**2, options.widths, n_outputs)
        initialise(self, options.initialisation)
        for last in (self.proposals.objectness, self.proposals.deltas, self.head.classes, self.head.deltas):
            nn.init.normal_(last.weight, std=0.01)  # as in the paper: at first nothing is sure, and nothing shifted

    def forward(self, inputs: Inputs, truth: Tensor | None = None) -> Tensor:
        """Detections (batch, max_detections, 6); with `truth` (batch, n, 5) four losses of each image, (batch, 4)."""
        image = dense_group(inputs, self.group)
        if torch.is_grad_enabled():
            return self._at_once(image, truth)
        n = max(1, AT_ONCE // (image.shape[2] * image.shape[3]))
        images = image.split(n)
        truths = [None] * len(images) if truth is None else truth.split(n)
        return torch.cat(
            [self._at_once(some_images, their_truth) for some_images, their_truth in zip(images, truths, strict=True)]
        )

    def features(self, image: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, channels', ⌈height / stride⌉, ⌈width / stride⌉)."""
        return self.context(self.backbone(image))

    def _at_once(self, image: Tensor, truth: Tensor | None) -> Tensor:
        options, (height, width) = self.options, image.shape[2:]
        features = self.features(image)
        rpn_output = self.proposals(features)
        boxes, valid = proposals(
            rpn_output, height, width, options.candidates, options.proposals, options.proposal_overlap
        )
        if truth is None:
            logits, deltas = self._read(features, boxes)
            limits = (options.min_score, options.overlap, options.max_detections)
            return detections(logits, deltas, boxes, valid, (height, width), *limits)
        sides = truth.new_tensor([width, height, width, height])
        true_boxes, present = truth[..., :4] * sides, truth[..., 4] >= 0
        true_boxes = true_boxes * present.unsqueeze(2)
        losses = proposal_losses(rpn_output, true_boxes, present, options.proposal_samples, self.training)
        label = truth[..., 4].clamp(min=0).long()
        learned = sample_proposals(
            boxes, valid, true_boxes, label, present, options.roi_samples, self.n_classes, self.training
        )
        logits, deltas = self._read(features, learned[0])
        return torch.stack([*losses, *head_losses(logits, deltas, *learned)], 1)

    def _read(self, features: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        pooled = roi_align(features, boxes / self.stride, self.options.roi_size, self.options.roi_points)
        return self.head(pooled.flatten(2))


class Context(nn.Module):
    """3 × 3 convolutions that look further around at the same resolution, each added to what it reads."""

    def __init__(self, channels: int, dilations: list[int]):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=d, dilation=d) for d in dilations)

    def forward(self, features: Tensor) -> Tensor:
        """(batch, channels, height, width) to the same shape."""
        for layer in self.layers:
            features = features + torch.relu(layer(features))
        return features


def _image(inputs: dict[str, InputGroup], minimum: int) -> tuple[str, int]:
    """The name of the one group, and its channels. Raises UserError where it is no image of `minimum` pixels a side."""
    name, (channels, height, width) = one_image(inputs, "faster_rcnn")
    if min(height, width) < 2 * minimum:
        what = f"halves an image until {minimum} pixels are one cell, and '{name}' has {height} × {width} pixels"
        raise UserError(
            "architecture faster_rcnn",
            what,
            f"it must have {2 * minimum} a side; take larger images or fewer `channels`",
        )
    return name, channels
