"""GN2, ParticleNet and the Particle Transformer: published sizes, their parts, and options that are refused."""

import math

import pytest
import torch
from tagger_networks import FEATURES, GROUPS, LENGTHS, LONGEST, MOMENTA, build, jets
from torch import nn

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.models.layers import particle_blocks
from bevatron.models.layers.batch_norm import BatchNorm
from bevatron.models.layers.dropout import dropout
from bevatron.models.layers.inputs import InputGroup


def n_weights(kind, groups, n_outputs, **options):
    component = ARCHITECTURES[kind]
    network = component(component.Options(kind=kind, **options), groups, n_outputs)
    return sum(weight.numel() for weight in network.parameters())


def test_gn2_has_as_many_weights_as_salt_s():
    """salt/configs/GN2/GN2.yaml: 2 features of the jet, 19 of tracks, 4 classes. Its layers one by one; salt 0.13.0
    itself counts 2,236,005.
    """
    groups = {"jet": InputGroup((2,), ("pt", "eta")), "tracks": InputGroup((40, 19), tuple(map(str, range(19))), True)}
    width, out = 256, 128
    block = nn.ModuleList(
        [nn.Linear(width, 3 * width), nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(2 * width, width)]
    )
    init = [nn.Linear(21, width), nn.Linear(width, width)]
    head = [nn.Linear(out, 128), nn.Linear(128, 64), nn.Linear(64, 32), nn.Linear(32, 4)]
    others = [*init, nn.Linear(width, out), nn.Linear(out, 1), *head]
    expected = 4 * count(block) + sum(map(count, others)) + width  # the register; norms have no weights
    assert n_weights("gn2", groups, 4) == expected == 2_236_005


def count(module):
    return sum(weight.numel() for weight in module.parameters())


@pytest.mark.parametrize(
    ("kind", "n_features", "n_outputs", "options", "published"),
    [
        ("particle_net", 7, 2, {}, 366e3),  # arXiv:1902.08570, table IV, top tagging
        ("particle_net", 7, 2, {"neighbours": 7, "convolutions": [[32] * 3, [64] * 3], "widths": [128]}, 26e3),
        ("particle_transformer", 17, 10, {"momenta": MOMENTA}, 2.14e6),  # arXiv:2202.03772, table 3, JetClass
        ("particle_transformer", 17, 10, {"momenta": {}}, 2.13e6),  # plain
    ],
    ids=["ParticleNet", "ParticleNet-Lite", "ParT", "ParT (plain)"],
)
def test_published_numbers_of_weights_are_met(kind, n_features, n_outputs, options, published):
    names = (*FEATURES[:3], *map(str, range(n_features - 3)))
    groups = {"tracks": InputGroup((128, n_features), names, is_ragged=True)}
    unit = 10 ** (math.floor(math.log10(published)) - 2) if published > 1e5 else 1e3  # three digits, or two
    assert round(n_weights(kind, groups, n_outputs, **options) / unit) == round(published / unit)


def test_batch_normalisation_is_pytorch_s_on_what_there_is():
    ours, theirs = BatchNorm(4), nn.BatchNorm1d(4)
    rows = torch.randn(7, 4)
    padded, present = torch.full((2, 5, 4), 1e6), torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 0]]).bool()
    padded[present] = rows
    for values, given in ((rows, None), (padded, present)):
        expected = theirs(rows)
        found = ours(values, given)
        torch.testing.assert_close(found if given is None else found[given], expected)
        assert given is None or found[~given].count_nonzero() == 0
        torch.testing.assert_close(ours.running_mean, theirs.running_mean)
        torch.testing.assert_close(ours.running_var, theirs.running_var)
    torch.testing.assert_close(ours.eval()(rows), theirs.eval()(rows))
    before = ours.running_var.clone()
    assert torch.isfinite(ours.train()(rows[:1])).all()  # one row has no variance
    assert torch.equal(ours.running_var, before)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.97])
def test_dropout_drops_its_fraction_and_keeps_the_mean(fraction):
    values = torch.ones(1001, 999, requires_grad=True)
    torch.manual_seed(1)
    found = dropout(values, fraction, training=True)
    error = math.sqrt(fraction * (1 - fraction) / values.numel())
    kept = found > 0
    assert abs(1 - fraction - kept.double().mean().item()) < 5 * error
    assert abs(found.double().mean().item() - 1) < 5 * error / (1 - fraction)
    for neighbour in (kept[1:] & kept[:-1], kept[:, 1:] & kept[:, :-1], kept[:, 4:] & kept[:, :-4]):
        expected = (1 - fraction) ** 2  # each is drawn by itself
        assert abs(neighbour.double().mean().item() - expected) < 5 * math.sqrt(3 * expected / values.numel())
    (slope,) = torch.autograd.grad(found.sum(), values)
    assert torch.equal(slope, found)
    assert dropout(values, fraction, training=False) is values
    assert dropout(torch.ones(0, 3), fraction, training=True).shape == (0, 3)


def test_an_edge_convolution_without_layers_is_refused():
    with pytest.raises(ValueError, match="at least 1 item"):
        build("particle_net", convolutions=[[4], []])


def test_pairs_in_use_are_worked_on_in_parts(monkeypatch):
    network, inputs = build("particle_transformer").eval(), jets(LENGTHS["mixed"])
    with torch.no_grad():
        whole = network(inputs)
        monkeypatch.setattr(particle_blocks, "PAIRS_AT_ONCE", 7)
        torch.testing.assert_close(network(inputs), whole, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (
            "particle_net",
            {"coordinates": ["nothing"]},
            r"architecture\.coordinates: the feature 'nothing' is not there",
        ),
        ("particle_net", {"coordinates": ["d0"]}, r"the feature 'd0' is in tracks and vertices"),
        ("particle_transformer", {"momenta": {**MOMENTA, "eta": "y"}}, r"architecture\.momenta: the feature 'y'"),
    ],
)
def test_features_that_are_not_there_are_refused_in_one_line(kind, options, message):
    groups = {**GROUPS, "vertices": InputGroup((LONGEST, 1), ("d0",), is_ragged=True)}
    with pytest.raises(UserError, match=message) as caught:
        build(kind, groups, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "components",
    [{"px": "a"}, {"pt": "a", "log_pt": "b", "eta": "c", "phi": "d"}, {"pt": "a", "phi": "b", "mass": "c"}],
)
def test_components_that_make_no_momentum_are_refused(components):
    with pytest.raises(ValueError, match="a momentum is px, py, pz and energy, or pt or log_pt with eta, phi"):
        build("particle_transformer", momenta=components)
