"""Claims about the sizes of images behind layers of convolution and pooling: exact ones."""

from typing import Literal

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Count, Integer, Section
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import ArithmeticOptions
from bevatron.report.results.measured import Measurements


class Layer(Section):
    """A layer with a square kernel, and the side of the image it is said to make."""

    kind: Literal["convolution", "max_pool", "average_pool"] = Field(default="convolution", description="what it does")
    kernel: Count = Field(description="side of the kernel")
    stride: Count = Field(default=1, description="pixels between two places of the kernel")
    padding: Integer = Field(default=0, ge=0, description="pixels added on each side")
    side: Count = Field(description="side of the image behind it, as the source says")


@claim_test("layer_sizes")
class LayerSizes:
    """Each layer makes an image of the side claimed: by floor((n + 2 p - k) / s) + 1, and by running the layer."""

    EXACT = True  # nothing is measured

    class Options(ArithmeticOptions):
        """An image, and the layers it goes through."""

        side: Count = Field(description="side of the first image")
        layers: list[Layer] = Field(description="in their order", min_length=1)

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the network with what the claim says of it."""
        import torch
        from torch import nn

        kinds = {"max_pool": nn.MaxPool2d, "average_pool": nn.AvgPool2d}
        side, conditions, sides = options.side, [], [options.side]
        image = torch.empty(1, 1, side, side, device="meta")
        for number, layer in enumerate(options.layers, 1):
            settings = (layer.kernel, layer.stride, layer.padding)
            module = kinds[layer.kind](*settings) if layer.kind in kinds else nn.Conv2d(1, 1, *settings, device="meta")
            image = module(image)
            side = (side + 2 * layer.padding - layer.kernel) // layer.stride + 1
            right = side == layer.side == image.shape[-1]
            what = f"layer {number} makes {image.shape[-1]} pixels of {sides[-1]}, as claimed"
            conditions.append(Condition((), 1.0 if right else -float(abs(side - layer.side) or 1), what))
            sides.append(image.shape[-1])
        claimed = " → ".join(str(layer.side) for layer in options.layers)
        sentence = f"Sides of the images: {' → '.join(map(str, sides))}; the claim wants {options.side} → {claimed}."
        return decide(conditions, [], sentence, options, measurements)
