"""A network that tells some classes apart, and a committee that asks several such networks."""

import json

import pytest
import torch

from bevatron.models.layers.inputs import InputGroup
from bevatron.models.network import Network, NetworkSpec, load_network, weights_bytes

GROUPS = {"jet": InputGroup((2,), ("pt", "eta")), "experts": InputGroup((3,), tuple("abc"))}


def expert(class_subset, groups=("jet",), normalise="none", dropout=0.5):
    architecture = {"kind": "mlp", "widths": [5], "dropout": dropout}
    return NetworkSpec(architecture, {name: GROUPS[name] for name in groups}, 3, normalise, class_subset)


def committee(*members):
    architecture = {"kind": "committee", "members": [f"m{i}" for i in range(len(members))], "widths": [4]}
    return NetworkSpec(architecture, GROUPS, 3, "none", None, members)


@pytest.fixture
def inputs():
    torch.manual_seed(0)
    return {"jet": torch.randn(7, 2), "experts": torch.randn(7, 3)}


def test_classes_out_of_the_question_get_no_probability(inputs):
    network = Network(expert((2, 0))).eval()
    asked = network.architecture({"jet": inputs["jet"]})
    assert asked.shape == (7, 2)
    probability = network(inputs).softmax(1)
    assert torch.equal(probability[:, 1], torch.zeros(7))
    assert torch.allclose(probability[:, [2, 0]], asked.softmax(1))


def test_members_keep_their_weights_and_the_judge_learns(inputs):
    network = Network(committee(expert((2, 0)), expert((1, 2), ("experts",)), expert(None, ("jet", "experts")))).train()
    before = {name: weights.clone() for name, weights in network.named_parameters()}
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    torch.nn.functional.cross_entropy(network(inputs), torch.arange(7) % 3).backward()
    optimiser.step()
    for name, weights in network.named_parameters():
        assert torch.equal(weights, before[name]) == ("members" in name), name


def test_members_are_asked_without_dropout_and_their_logits_shift_freely(inputs):
    network = Network(committee(expert((2, 0)), expert(None, ("experts",)))).train()
    opinions = network.architecture.opinions(inputs)
    assert opinions.shape == (7, 2 + 3)
    assert torch.equal(opinions, network.architecture.opinions(inputs))
    first, second = network.architecture.members
    assert torch.allclose(opinions[:, 0] - opinions[:, 1], first(inputs)[:, 2] - first(inputs)[:, 0], atol=1e-6)
    with torch.no_grad():
        second.architecture.layers[-1].bias += 5.0
    assert torch.allclose(opinions, network.architecture.opinions(inputs), atol=1e-5)


def test_a_saved_committee_is_whole_by_itself(inputs, tmp_path):
    inner = committee(expert((2, 0)), expert((0, 1), ("experts",), "standard"))
    network = Network(NetworkSpec(inner.architecture, GROUPS, 3, "none", None, (inner, expert(None)))).eval()
    (tmp_path / "weights.safetensors").write_bytes(weights_bytes(network))
    (tmp_path / "model.json").write_text(json.dumps({"network": network.spec.as_payload()}))
    assert torch.equal(load_network(tmp_path)(inputs), network(inputs))
    assert load_network(tmp_path).spec == network.spec


def test_the_weights_of_members_are_counted():
    assert Network(committee(expert((2, 0)), expert(None))).n_weights == (15 + 12) + (15 + 18) + (5 * 4 + 4 + 4 * 3 + 3)
