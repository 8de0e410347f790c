"""A saved network is the same function of physical inputs, and a damaged one is refused by name."""

import json
from types import SimpleNamespace

import pytest
import torch

from bevatron.errors import UserError
from bevatron.models.layers.inputs import InputGroup, Padded
from bevatron.models.layers.normalise import Normalise
from bevatron.models.network import Network, NetworkSpec, load_network, weights_bytes
from bevatron.store.files.publish import publish_json

# not in the order of the alphabet, which a file sorted by its keys would give them
GROUPS = {"tracks": InputGroup((3, 1), ("d0",), is_ragged=True), "jet": InputGroup((2,), ("pt", "eta"))}
STATISTICS = {
    "jet": {
        "pt": SimpleNamespace(mean=50.0, std=20.0, median=45.0, q16=30.0, q84=70.0),
        "eta": SimpleNamespace(mean=0.0, std=0.0, median=0.0, q16=0.0, q84=0.0),
    },
    "tracks": {"d0": SimpleNamespace(mean=1.0, std=2.0, median=0.5, q16=-1.0, q84=1.0)},
}


def inputs():
    tracks = Padded(torch.tensor([[[3.0], [1.0], [0.0]], [[5.0], [0.0], [0.0]]]), torch.tensor([2, 1]))
    return {"jet": torch.tensor([[70.0, 0.3], [30.0, -1.0]]), "tracks": tracks}


def test_standard_normalisation_is_mean_and_deviation_and_padding_stays_zero():
    out = Normalise("standard", GROUPS, STATISTICS)(inputs())
    assert torch.allclose(out["jet"], torch.tensor([[1.0, 0.3], [-1.0, -1.0]]))  # a constant keeps the scale 1
    assert torch.allclose(out["tracks"].values.squeeze(2), torch.tensor([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0]]))


def test_robust_normalisation_bends_long_tails():
    out = Normalise("robust", GROUPS, STATISTICS)(inputs())
    assert out["jet"][0, 0].item() == pytest.approx(torch.asinh(torch.tensor(25.0 / 20.0)).item())
    assert out["tracks"].values[1, 0, 0].item() == pytest.approx(torch.asinh(torch.tensor(4.5)).item())
    assert out["tracks"].values[1, 1, 0].item() == 0.0


@pytest.fixture
def saved(tmp_path):
    architecture = {"kind": "mlp", "widths": [4], "activation": "tanh"}
    network = Network(NetworkSpec(architecture, GROUPS, 3, "robust"), STATISTICS)
    (tmp_path / "weights.safetensors").write_bytes(weights_bytes(network))
    publish_json(tmp_path / "model.json", {"network": network.spec.as_payload()})
    return tmp_path, network


def test_a_loaded_network_computes_the_same(saved):
    folder, network = saved
    assert torch.equal(load_network(folder)(inputs()), network.eval()(inputs()))


def test_equal_networks_have_equal_bytes(saved):
    folder, network = saved
    assert weights_bytes(load_network(folder)) == weights_bytes(network)


@pytest.mark.parametrize("damage", ["truncated", "missing", "other network", "no json"])
def test_a_damaged_network_is_refused_by_name(saved, damage):
    folder, _ = saved
    weights, model = folder / "weights.safetensors", folder / "model.json"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-10])
    elif damage == "missing":
        weights.unlink()
    elif damage == "other network":
        tree = json.loads(model.read_text())
        tree["network"]["architecture"]["widths"] = [5]
        model.write_text(json.dumps(tree))
    else:
        model.write_text("{")
    with pytest.raises(UserError, match=r"model\.json" if damage == "no json" else r"weights\.safetensors"):
        load_network(folder)
