"""Momenta read through the normalisation of the inputs, and what pairs of them say."""

import copy
import math
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tagger_references import pair_features as plain_pair_features

from bevatron.models.layers.inputs import InputGroup, Padded
from bevatron.models.layers.lists_by_length import by_length
from bevatron.models.layers.momenta import Momenta, pair_features
from bevatron.models.layers.neighbours import nearest_neighbours
from bevatron.models.layers.physical import PhysicalFeatures
from bevatron.models.network import Network, NetworkSpec, load_network, weights_bytes
from bevatron.store.files.publish import publish_json
from bevatron.store.readers.batch import RaggedBatch

FEATURES = ("pt", "delta_eta", "delta_phi", "d0")
GROUPS = {
    "jet": InputGroup((1,), ("pt",)),
    "vertices": InputGroup((6, 1), ("mass",), is_ragged=True),
    "tracks": InputGroup((6, 4), FEATURES, is_ragged=True),
}
STATISTICS = {
    name: {
        feature: SimpleNamespace(mean=2.0 + k, std=0.7 + k, median=1.0 - k, q16=-1.0 - k, q84=1.5 + k)
        for k, feature in enumerate(group.features)
    }
    for name, group in GROUPS.items()
}
ARCHITECTURE = {
    "kind": "particle_transformer",
    "momenta": {"pt": "pt", "eta": "delta_eta", "phi": "tracks.delta_phi", "mass": "vertices.mass"},
    "embedding_widths": [8], "pair_widths": [4], "heads": 2, "blocks": 1, "class_blocks": 1, "feedforward": 8,
}  # fmt: skip


def tracks(n_lists=30, seed=1):
    rng = torch.Generator().manual_seed(seed)
    lengths = torch.randint(0, 7, (n_lists,), generator=rng)
    n = int(lengths.sum())
    values = torch.randn(n, 4, generator=rng)
    values[:, 0] = torch.empty(n).exponential_(0.2, generator=rng) + 0.5
    mass = torch.rand(n, 1, generator=rng)
    return {
        "jet": torch.ones(n_lists, 1),
        "vertices": RaggedBatch(mass, lengths),
        "tracks": RaggedBatch(values, lengths),
    }


def vectors(p):
    """(pt, rapidity, phi, mass²) to (px, py, pz, E)."""
    pt, rapidity, phi, mass2 = p.double().unbind(-1)
    mt = (mass2 + pt**2).sqrt()
    return torch.stack([pt * phi.cos(), pt * phi.sin(), mt * rapidity.sinh(), mt * rapidity.cosh()], -1)


def momenta(n, seed=1):
    """Soft and hard, near and far, light and heavy."""
    rng = torch.Generator().manual_seed(seed)
    pt = 10 ** (torch.rand(n, generator=rng) * 4 - 1)
    mass2 = 10 ** (torch.rand(n, generator=rng) * 8 - 6)
    near = torch.rand(n, generator=rng) < 0.5
    spread = torch.where(near, 1e-2, 1.0)
    angles = torch.randn(n, 2, generator=rng) * spread.unsqueeze(1)
    return torch.stack([pt, angles[:, 0], angles[:, 1] % (2 * math.pi) - math.pi, mass2], -1)


@pytest.mark.parametrize("kind", ["none", "standard", "robust", "rms"])
def test_a_network_reads_momenta_in_their_own_units(kind, tmp_path):
    """However its inputs are normalised, read from a file again, and with inputs that a fit has normalised."""
    torch.manual_seed(1)
    network = Network(NetworkSpec(ARCHITECTURE, GROUPS, 3, kind), STATISTICS).eval()
    (tmp_path / "weights.safetensors").write_bytes(weights_bytes(network))
    publish_json(tmp_path / "model.json", {"network": network.spec.as_payload()})
    inputs = tracks()
    normalised = network.normalise(inputs)
    of_a_fit = load_network(tmp_path)
    of_a_fit.normalise.inputs_are_normalised = True
    values, mass = inputs["tracks"].values, inputs["vertices"].values[:, 0]
    assert values[:, 0].min() > 0.4
    pz, mt = values[:, 0] * values[:, 1].sinh(), (mass**2 + values[:, 0] ** 2).sqrt()
    expected = torch.stack([values[:, 0], (pz / mt).asinh(), values[:, 2], mass**2], -1)
    for used, given in ((network, inputs), (load_network(tmp_path), inputs), (of_a_fit, normalised)):
        seen = []
        used.architecture.momenta.register_forward_hook(lambda *call, seen=seen: seen.append(call[2]))
        with torch.no_grad():
            assert torch.isfinite(used(given)).all()
        order = by_length(inputs["tracks"]).order.elements_by_list()
        torch.testing.assert_close(seen[0], expected[order], rtol=1e-5, atol=1e-5)


def test_a_copy_of_a_network_reads_through_its_own_normalisation():
    network = Network(NetworkSpec(ARCHITECTURE, GROUPS, 3, "standard"), STATISTICS).eval()
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
        features = twin.architecture.momenta.features
        assert features.undo.__self__ is twin.normalise
        assert list(twin.state_dict()) == list(network.state_dict())


def test_members_of_a_committee_read_through_their_own_normalisation():
    member = NetworkSpec(ARCHITECTURE, GROUPS, 3, "robust")
    committee = {"kind": "committee", "members": ["one"], "widths": [4]}
    network = Network(NetworkSpec(committee, GROUPS, 3, "none", members=(member,)))
    (features,) = (part for part in network.modules() if isinstance(part, PhysicalFeatures))
    assert features.undo.__self__ is network.architecture.members[0].normalise


def test_features_follow_a_network_to_double_precision():
    network = Network(NetworkSpec(ARCHITECTURE, GROUPS, 3, "robust"), STATISTICS).eval().double()
    inputs = {
        k: v.double() if isinstance(v, torch.Tensor) else RaggedBatch(v[0].double(), v[1]) for k, v in tracks().items()
    }
    (features,) = (part for part in network.modules() if isinstance(part, PhysicalFeatures))
    normalised = network.normalise(inputs)
    joined = torch.cat([normalised["vertices"].values, normalised["tracks"].values], 1)
    given = torch.cat([inputs["tracks"].values[:, :3], inputs["vertices"].values], 1)
    torch.testing.assert_close(features(joined), given, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("with_mass", [True, False])
def test_both_forms_of_momenta_are_the_same(with_mass):
    p = momenta(500)
    if not with_mass:
        p[:, 3] = 0.13957039**2
    p = p[p[:, 3].sqrt() > 0.01 * p[:, 0]] if with_mass else p[p[:, 0] < 10]  # of others E² − p² says little in float32
    four = vectors(p)
    eta = torch.asinh(four[:, 2] / p[:, 0])
    polar = torch.stack([p[:, 0], eta, p[:, 2], p[:, 3].sqrt()], -1).float()
    names = ("pt", "eta", "phi", "mass") if with_mass else ("pt", "eta", "phi")

    def module(names):
        return Momenta({"x": InputGroup((9, 4), tuple(names), True)}, {name: name for name in names})

    group = InputGroup((9, 4), ("pt", "eta", "phi", "mass"), True)
    found = Momenta({"x": group}, {name: name for name in names})(polar)
    torch.testing.assert_close(found, p.float(), rtol=1e-4, atol=1e-5)
    of_logarithms = Momenta(
        {"x": InputGroup((9, 4), ("log_pt", "eta", "phi", "mass"), True)},
        {"log_pt" if name == "pt" else name: "log_pt" if name == "pt" else name for name in names},
    )
    logarithms = torch.cat([polar[:, :1].log(), polar[:, 1:]], 1)
    torch.testing.assert_close(of_logarithms(logarithms), p.float(), rtol=1e-4, atol=1e-5)
    cartesian = module(("px", "py", "pz", "energy")).double()(four)
    torch.testing.assert_close(cartesian, p.double(), rtol=1e-6, atol=1e-6)


def test_pairs_say_what_sums_of_four_vectors_say():
    a, b = momenta(300, 1), momenta(300, 2)
    expected = [plain_pair_features(x, y) for x, y in zip(vectors(a).numpy(), vectors(b).numpy(), strict=True)]
    np.testing.assert_allclose(pair_features(a.double(), b.double()).numpy(), expected, rtol=1e-6, atol=1e-6)
    # in single precision as well, where E² − p² of the sum would be noise
    np.testing.assert_allclose(pair_features(a, b).numpy(), expected, rtol=1e-4, atol=1e-4)


def test_pairs_see_no_boost_along_the_beam_and_no_rotation_about_it():
    a, b = momenta(300, 3).double(), momenta(300, 4).double()
    turned = torch.tensor([0.0, 1.7, 0.9, 0.0]).double()
    torch.testing.assert_close(pair_features(a + turned, b + turned), pair_features(a, b), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(pair_features(a, b), pair_features(b, a), rtol=1e-9, atol=1e-12)


def test_an_element_with_itself_has_finite_features_and_gradients():
    p = momenta(50).requires_grad_()
    found = pair_features(p, p)
    np.testing.assert_allclose(found[:, 2].detach(), math.log(1e-8), rtol=1e-6)
    np.testing.assert_allclose(found[:, 1].detach(), math.log(0.5), rtol=1e-5)
    np.testing.assert_allclose(found[:, 3].detach().exp(), 4 * p[:, 3].detach(), rtol=1e-4)
    found.sum().backward()
    assert torch.isfinite(p.grad).all()


@pytest.mark.parametrize("n_coordinates", [2, 12])
@pytest.mark.parametrize("form", ["ragged", "padded"])
def test_edges_come_from_the_nearest_elements_of_the_same_list(n_coordinates, form):
    rng = torch.Generator().manual_seed(4)
    lengths = torch.tensor([7, 0, 3, 1, 12, 12, 4])
    points = torch.randn(int(lengths.sum()), n_coordinates, generator=rng)
    parts = points.split(lengths.tolist())
    lists = RaggedBatch(points, lengths)
    if form == "padded":
        padded = torch.stack([torch.cat([part, torch.zeros(12 - len(part), n_coordinates)]) for part in parts])
        lists = Padded(padded, lengths)
    sets = by_length(lists)
    graph = nearest_neighbours(sets, sets.elements, 3)
    number = sets.elements[..., :1]  # each element is known by its first coordinate
    mean = graph.mean(graph.connect(torch.zeros_like(number), number))
    found = sets.pool(mean, "sum").squeeze(1)
    for part, total in zip(parts, found, strict=True):
        expected = 0.0
        for i in range(len(part)):
            others = sorted((j for j in range(len(part)) if j != i), key=lambda j: (part[i] - part[j]).norm())[:3]
            expected += sum(part[j, 0].item() for j in others) / max(len(others), 1)
        assert total.item() == pytest.approx(expected, abs=1e-5)
