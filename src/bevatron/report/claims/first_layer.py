"""Claims about the weights of a network's first convolution: exact ones."""

from pydantic import Field

from bevatron.config.loading.kinds import ArchitectureOptions, claim_test
from bevatron.config.sections.section import Count
from bevatron.errors import UserError
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.reference import ArithmeticOptions
from bevatron.report.claims.untrained import untrained_network
from bevatron.report.results.measured import Measurements


@claim_test("first_layer")
class FirstLayer:
    """For images of `channels` colours the kernels of the first convolution have exactly `channels` times as many
    weights as for grey images, where they have `weights`; the rest of the network stays as it is.
    """

    EXACT = True  # nothing is measured

    class Options(ArithmeticOptions):
        """A network for images, and the weights of its first kernels for grey ones."""

        architecture: ArchitectureOptions = Field(description="the network and its own options")
        channels: Count = Field(default=3, description="channels of the colour images")
        side: Count = Field(default=224, description="side of the images")
        classes: Count = Field(default=1000, description="number of outputs")
        weights: Count = Field(description="weights of the first convolution's kernels for grey images")

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the networks with what the claim says of them."""
        first, rest = zip(*(_count(options, channels) for channels in (1, options.channels)), strict=True)
        expected = (options.weights, options.channels * options.weights)
        differences = [abs(found - claimed) for found, claimed in zip(first, expected, strict=True)]
        differences.append(abs(rest[1] - rest[0]))
        meanings = ("first kernels for grey images", f"first kernels for {options.channels} colours", "other weights")
        conditions = [
            Condition((), -float(difference) or 1.0, f"{meaning}, as claimed")
            for difference, meaning in zip(differences, meanings, strict=True)
        ]
        sentence = (
            f"The first convolution's kernels have {first[0]:,} weights for grey images and {first[1]:,} for "
            f"{options.channels} colours, all other layers {rest[0]:,} and {rest[1]:,}; the claim wants "
            f"{expected[0]:,} and {expected[1]:,}, and no other change."
        )
        return decide(conditions, [], sentence, options, measurements)


def _count(options: FirstLayer.Options, channels: int) -> tuple[int, int]:
    """Weights of the first convolution's kernels, and all others, biases included.

    Raises UserError for a network without convolutions.
    """
    from torch import nn

    network = untrained_network(options.architecture, channels, options.side, options.classes)
    first = next((module for module in network.modules() if isinstance(module, nn.Conv2d)), None)
    if first is None:
        what = f"'{options.architecture.kind}' has no convolution"
        raise UserError("claim test 'first_layer', architecture", what, "name a network of convolutions")
    kernels = first.weight.numel()
    return kernels, sum(weights.numel() for weights in network.parameters()) - kernels
