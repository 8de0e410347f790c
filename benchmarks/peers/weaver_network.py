"""The networks of `peers.py`'s whole jobs for weaver (`--network-config`): the same layers and widths as ours.

`-o architecture "'mlp'"`: fully connected layers over the jet's numbers and the padded particles. `"'transformer'"`:
one block of self-attention over the particles, a mean over those that exist, and a layer over it and the jet's
numbers, cut to the longest list of the batch, as weaver's own ParticleTransformer does it.
"""

import torch
from torch import nn

MLP, WIDTH, HEADS, FEEDFORWARD, HEAD = (128, 128, 64), 32, 4, 64, 64


class Mlp(nn.Module):
    """Shapes: jet (n, 6, 1), particles (n, 17, 60), mask (n, 1, 60); returns (n, classes)."""

    def __init__(self, width: int, classes: int):
        super().__init__()
        layers: list[nn.Module] = []
        for units in MLP:
            layers += [nn.Linear(width, units), nn.ReLU()]
            width = units
        self.layers = nn.Sequential(*layers, nn.Linear(width, classes))

    def forward(self, jet, particles, mask):
        return self.layers(torch.cat([jet.flatten(1), particles.flatten(1)], 1))


class Transformer(nn.Module):
    """As `Mlp`."""

    def __init__(self, jet: int, particles: int, classes: int):
        super().__init__()
        self.embedding = nn.Linear(particles, WIDTH)
        self.block = nn.TransformerEncoderLayer(
            WIDTH, HEADS, FEEDFORWARD, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.Sequential(nn.Linear(WIDTH + jet, HEAD), nn.ReLU(), nn.Linear(HEAD, classes))

    def forward(self, jet, particles, mask):
        longest = int(mask.sum(2).max())
        exists = mask[:, 0, :longest] > 0
        elements = self.embedding(particles[:, :, :longest].transpose(1, 2))
        elements = self.block(elements, src_key_padding_mask=~exists) * exists[:, :, None]
        return self.layers(torch.cat([elements.sum(1) / exists.sum(1, keepdim=True), jet.flatten(1)], 1))


def get_model(data_config, architecture="mlp", **kwargs):
    """What weaver asks for: the network, and its inputs and outputs by name."""
    jet, particles = (len(data_config.input_dicts[name]) for name in ("jet_features", "part_features"))
    classes, length = len(data_config.label_value), data_config.input_shapes["part_features"][2]
    network = Mlp(jet + particles * length, classes) if architecture == "mlp" else Transformer(jet, particles, classes)
    names = list(data_config.input_names)
    return network, {
        "input_names": names,
        "input_shapes": {name: ((1, *shape[1:])) for name, shape in data_config.input_shapes.items()},
        "output_names": ["softmax"],
        "dynamic_axes": {name: {0: "N"} for name in [*names, "softmax"]},
    }


def get_loss(data_config, **kwargs):
    """Cross entropy, as ours."""
    return nn.CrossEntropyLoss()
