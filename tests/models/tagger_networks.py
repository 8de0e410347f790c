"""GN2, ParticleNet and the Particle Transformer in small, and jets for their tests."""

import torch
from torch import nn

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.models.layers.batch_norm import BatchNorm
from bevatron.models.layers.inputs import InputGroup
from bevatron.store.readers.batch import RaggedBatch

LONGEST = 15
FEATURES = ("log_pt", "delta_eta", "delta_phi", "d0", "z0")
GROUPS = {
    "jet": InputGroup((2,), ("pt", "eta")),
    "tracks": InputGroup((LONGEST, 5), FEATURES, is_ragged=True),
}
MOMENTA = {"log_pt": "log_pt", "eta": "tracks.delta_eta", "phi": "delta_phi"}
SMALL = {
    "gn2": {
        "embedding_widths": [6], "width": 8, "heads": 2, "blocks": 2, "feedforward": 9, "output_width": 6,
        "widths": [5],
    },
    "particle_net": {"neighbours": 3, "convolutions": [[6, 7], [7, 7]], "widths": [5], "dropout": 0.0},
    "particle_transformer": {
        "momenta": MOMENTA, "embedding_widths": [6, 8], "pair_widths": [5], "heads": 2, "blocks": 2, "class_blocks": 2,
        "feedforward": 9, "widths": [5], "dropout": 0.0,
    },
}  # fmt: skip
VARIANTS = {
    "gn2": {"gated": True, "layer_scale": 0.4, "registers": 3},
    "particle_net": {"neighbours": 20, "coordinates": []},
    "particle_transformer": {"momenta": {}},
}
CASES = [(kind, {}) for kind in SMALL] + list(VARIANTS.items())
LENGTHS = {
    "mixed": [3, 0, 15, 1, 4, 4, 0, 2, 7, 1, 15, 3, 12, 5, 1],
    "one": [6],
    "one element each": [1] * 5,
    "one element in all": [0, 1, 0],
    "nearly full": [15, 14, 15, 15, 13, 15],
    "full": [15] * 7,
    "all empty": [0] * 4,
    "no jets": [],
}


def build(kind, groups=GROUPS, n_outputs=3, seed=1, **options):
    component = ARCHITECTURES[kind]
    torch.manual_seed(seed)
    network = component(component.Options(kind=kind, **{**SMALL[kind], **options}), groups, n_outputs)
    for module in network.modules():  # as a network has them that has learnt
        if isinstance(module, BatchNorm):
            module.running_mean.normal_(std=0.3)
            module.running_var.uniform_(0.5, 2.0)
    for name, weight in network.named_parameters():
        if name == "registers":
            nn.init.normal_(weight)
        elif "norm" in name or "scale" in name:
            nn.init.normal_(weight, 1.0, 0.2)
    return network


def jets(lengths, seed=2, n_features=5):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.as_tensor(lengths, dtype=torch.int64)
    tracks = torch.randn(int(lengths.sum()), n_features, generator=generator)
    return {"jet": torch.randn(len(lengths), 2, generator=generator), "tracks": RaggedBatch(tracks, lengths)}


def gradients(network, found):
    network.zero_grad()
    (found * torch.linspace(-1, 1, found.numel(), dtype=found.dtype).view(found.shape)).sum().backward()
    return {name: weight.grad.clone() for name, weight in network.named_parameters()}


def assert_close(found, expected):
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        size = max(1.0, gradient.abs().max().item()) if gradient.numel() else 1.0
        torch.testing.assert_close(
            found[name], gradient, rtol=1e-4, atol=1e-5 * size, msg=lambda m, n=name: f"{n}: {m}"
        )
