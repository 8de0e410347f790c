"""Claims about the layers of a network for images, one by one: exact ones."""

from typing import Literal

from pydantic import Field

from bevatron.config.loading.kinds import claim_test
from bevatron.config.sections.section import Count, Integer, Section
from bevatron.errors import UserError
from bevatron.report.claims.decision import Condition, Decision, decide
from bevatron.report.claims.untrained import NetworkOptions
from bevatron.report.results.measured import Measurements

Kind = Literal["convolution", "max_pool", "average_pool", "linear"]
Found = tuple[Kind, int, int, int]  # kind, channels, side, weights


class NetworkLayer(Section):
    """A layer, as the source describes it."""

    kind: Kind = Field(default="convolution", description="what it does")
    channels: Count = Field(description="channels that it makes; of a linear layer its units")
    side: Count = Field(default=1, description="side of the image that it makes; 1 of a linear layer")
    weights: Integer = Field(default=0, ge=0, description="numbers that it learns, biases included")


@claim_test("network_layers")
class NetworkLayers:
    """The network has these layers of convolution, pooling and linear combination, in this order, each with the
    channels, the size and the number of weights claimed. All are read off an image that runs through the network.
    """

    EXACT = True  # nothing is measured

    class Options(NetworkOptions):
        """A network for images, and its layers."""

        layers: list[NetworkLayer] = Field(description="in their order", min_length=1)

    def decide(self, options: Options, measurements: Measurements) -> Decision:
        """Compare the network with what the claim says of it."""
        found = _layers_of(options)
        claimed: list[Found] = [(c.kind, c.channels, c.side, c.weights) for c in options.layers]
        same_number = len(found) == len(claimed)
        conditions = [Condition((), 1.0 if same_number else -1.0, f"{len(found)} layers, as claimed")]
        for number, (layer, claim) in enumerate(zip(found, claimed, strict=False), 1):
            conditions.append(Condition((), 1.0 if layer == claim else -1.0, f"layer {number}, as claimed"))
        wrong = [k for k, pair in enumerate(zip(found, claimed, strict=False)) if pair[0] != pair[1]]
        sentence = f"The network has {len(found)} layers: {'; '.join(map(_say, found))}."
        if not same_number:
            sentence += f" The claim wants {len(claimed)}."
        if wrong:
            sentence += f" The claim wants layer {wrong[0] + 1} to be: {_say(claimed[wrong[0]])}."
        return decide(conditions, [], sentence, options, measurements)


def _layers_of(options: NetworkLayers.Options) -> list[Found]:
    """The layers in the order in which they are run; nothing is computed, so that the largest network costs nothing."""
    import torch
    from torch import Tensor, nn

    from bevatron.config.loading.kinds import ARCHITECTURES
    from bevatron.models.layers.inputs import InputGroup

    kinds: dict[type[nn.Module], Kind] = {
        nn.Conv2d: "convolution",
        nn.MaxPool2d: "max_pool",
        nn.AvgPool2d: "average_pool",
        nn.Linear: "linear",
    }
    names = tuple(f"channel_{k}" for k in range(options.channels))
    group = InputGroup((options.channels, options.side, options.side), names)
    found: list[Found] = []

    def note(module: nn.Module, _: object, output: Tensor) -> None:
        n_weights = sum(weights.numel() for weights in module.parameters())
        side = output.shape[-1] if output.ndim == 4 else 1
        found.append((kinds[type(module)], output.shape[1], side, n_weights))

    with torch.random.fork_rng(devices=[]), torch.device("meta"), torch.no_grad():
        network = ARCHITECTURES[options.architecture.kind](options.architecture, {"image": group}, options.classes)
        for module in network.modules():
            if type(module) in kinds:
                module.register_forward_hook(note)
        try:
            network.eval()({"image": torch.empty(1, *group.shape)})
        except NotImplementedError:  # where what is computed next depends on the values, as in a detector
            what = f"the layers of '{options.architecture.kind}' cannot be listed without an image's values"
            raise UserError("claims, test network_layers", what, "name a network that classifies images") from None
    return found


def _say(layer: Found) -> str:
    kind, channels, side, weights = layer
    size = f"{channels} units" if kind == "linear" else f"{channels} × {side} × {side}"
    return f"{kind.replace('_', ' ')} {size}" + (f", {weights:,} weights" if weights else "")
