"""GN2, ParticleNet and the Particle Transformer: published sizes, formulas by plain loops, and both forms of lists."""

import math

import numpy as np
import pytest
import tagger_references
import torch
from list_batches import pad
from torch import nn

from bevatron.compute.numerics.devices import deterministic
from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.models.layers import lists_by_length, particle_blocks
from bevatron.models.layers.batch_norm import BatchNorm
from bevatron.models.layers.dropout import dropout
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


@pytest.mark.parametrize(
    ("kind", "variant"), [case for case in CASES if case != ("particle_transformer", {"momenta": {}})]
)
def test_each_formula_is_that_of_plain_loops(kind, variant):
    network, inputs = build(kind, **variant).eval(), jets([6, 1, 9, 2, 4, 15])
    weights = {name: value.double().numpy() for name, value in network.state_dict().items()}
    options = {**SMALL[kind], **variant}
    with torch.no_grad():
        encoding = network.encode(inputs)
        found = encoding.sample.numpy()
    for jet, tracks in enumerate(inputs["tracks"].values.split(inputs["tracks"].lengths.tolist())):
        tracks, dense = tracks.double().numpy(), inputs["jet"][jet].double().numpy()
        if kind == "gn2":
            expected = tagger_references.gn2(weights, tracks, dense, options)
        elif kind == "particle_net":
            points = tracks[:, 1:3] if "coordinates" not in variant else tracks
            expected = np.concatenate([tagger_references.particle_net(weights, tracks, points, options), dense])
        else:
            momenta = np.array([four_vector(*track[:3]) for track in tracks])
            token = tagger_references.particle_transformer(weights, tracks, momenta, options)
            expected = np.concatenate([token, dense])
        np.testing.assert_allclose(found[jet], expected, rtol=1e-4, atol=2e-5, err_msg=str(jet))


def four_vector(log_pt, eta, phi, mass=0.13957039):
    pt = math.exp(log_pt)
    p = np.array([pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)])
    return np.append(p, math.sqrt(np.sum(p**2) + mass**2))


@pytest.mark.parametrize("training", [True, False], ids=["training", "use"])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_both_forms_of_lists_give_the_same(kind, variant, lengths, training):
    """Outputs, gradients and running statistics; the padded form is what becomes ONNX."""
    if not lengths and kind == "particle_transformer":
        pytest.skip("PyTorch's attention cannot take a padded batch of nothing")
    ragged, padded = (build(kind, **variant).train(training) for _ in range(2))
    inputs = jets(lengths)
    ours, theirs = ragged(inputs), padded(pad(inputs))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    assert_close(gradients(ragged, ours), gradients(padded, theirs))
    assert_close(dict(ragged.named_buffers()), dict(padded.named_buffers()))


@pytest.mark.parametrize("training", [True, False], ids=["training", "use"])
@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_lists_that_share_a_bucket_are_the_same_lists(kind, variant, training, monkeypatch):
    """Lists of up to 40 elements in 1 bucket, as on a GPU, in 4, and in one for each length."""
    groups = {**GROUPS, "tracks": InputGroup((40, 5), FEATURES, True)}
    inputs = jets([40, 3, 0, 31, 30, 30, 1, 27, 2, 9, 8, 7, 0, 12, 5])
    results = []
    for buckets in (1, 4, 100):
        monkeypatch.setattr(lists_by_length, "MAX_BUCKETS", buckets)
        network = build(kind, groups, **variant).train(training)
        found = network(inputs)
        results.append({"outputs": found.detach(), **gradients(network, found), **dict(network.named_buffers())})
    for result in results[1:]:
        assert_close(result, results[0])


@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_the_order_of_elements_and_of_jets_means_nothing(kind, variant):
    network, inputs = build(kind, **variant).eval(), jets(LENGTHS["mixed"])
    parts = inputs["tracks"].values.split(inputs["tracks"].lengths.tolist())
    with torch.no_grad():
        found = network(inputs)
        backwards = RaggedBatch(torch.cat([part.flip(0) for part in parts]), inputs["tracks"].lengths)
        torch.testing.assert_close(network({**inputs, "tracks": backwards}), found, rtol=1e-4, atol=1e-5)
        order = torch.randperm(len(parts), generator=torch.Generator().manual_seed(3))
        shuffled = RaggedBatch(torch.cat([parts[k] for k in order]), inputs["tracks"].lengths[order])
        torch.testing.assert_close(
            network({"jet": inputs["jet"][order], "tracks": shuffled}), found[order], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_gradients_are_those_of_finite_differences(kind, variant):
    """In double precision, of every weight and of the inputs, along a random direction each."""
    network, inputs = build(kind, **variant).double().train(), jets([3, 0, 6, 1, 4, 5])
    inputs = {
        "jet": inputs["jet"].double(),
        "tracks": RaggedBatch(inputs["tracks"].values.double(), inputs["tracks"].lengths),
    }
    inputs["tracks"].values.requires_grad_()
    tensors = {**dict(network.named_parameters()), "tracks": inputs["tracks"].values}
    generator = torch.Generator().manual_seed(4)

    def loss():
        found = network(inputs)
        return (found * torch.linspace(-1, 2, found.numel(), dtype=found.dtype).view(found.shape)).sum()

    slopes = torch.autograd.grad(loss(), list(tensors.values()))
    for (name, tensor), slope in zip(tensors.items(), slopes, strict=True):
        direction = torch.randn(tensor.shape, dtype=tensor.dtype, generator=generator)
        ends = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                tensor.add_(direction, alpha=step)
                ends.append(loss().item())
                tensor.sub_(direction, alpha=step)
        expected = (ends[0] - ends[1]) / 2e-6
        assert (slope * direction).sum().item() == pytest.approx(expected, rel=1e-5, abs=1e-7), name


@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_a_worker_without_any_jet_takes_part_with_zero_gradients(kind, variant):
    network = build(kind, **variant).train()
    for lengths in ([], [0, 0], [1]):
        found = network(jets(lengths))
        assert found.shape == (len(lengths), 3)
        assert torch.isfinite(found).all()
        slopes = gradients(network, found)
        assert all(torch.isfinite(slope).all() for slope in slopes.values())
        assert lengths or all(slope.count_nonzero() == 0 for slope in slopes.values())


@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_outputs_and_gradients_repeat_bit_for_bit(kind, variant):
    dropout = {"dropout": 0.3}
    inputs = jets(torch.randint(0, 16, (60,), generator=torch.Generator().manual_seed(5)))

    def once():
        network = build(kind, **variant, **dropout).train()
        torch.manual_seed(7)
        found = network(inputs)
        return [found, *gradients(network, found).values(), *network.buffers()]

    with deterministic(2):
        assert all(map(torch.equal, once(), once()))


@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_elements_for_auxiliary_tasks_are_those_of_the_lists(kind, variant):
    """In the form and the order of the lists' elements: padding them gives those of padded lists."""
    network, inputs = build(kind, **variant).eval(), jets(LENGTHS["mixed"])
    with torch.no_grad():
        ours, theirs = network.encode(inputs), network.encode(pad(inputs))
        torch.testing.assert_close(network.decode(ours), network(inputs))
    assert ours.elements.shape == (len(inputs["tracks"].values), network.element_width)
    assert ours.sample.shape == (len(LENGTHS["mixed"]), network.sample_width)
    assert theirs.elements.shape == (len(LENGTHS["mixed"]), LONGEST, network.element_width)
    present = torch.arange(LONGEST) < inputs["tracks"].lengths.unsqueeze(1)
    in_order = torch.empty_like(ours.elements)
    in_order[ours.sets.order.elements_by_list()] = ours.elements
    torch.testing.assert_close(in_order, theirs.elements[present], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_half_precision_is_near_single_precision(kind, variant):
    network, inputs = build(kind, **variant).train(), jets(LENGTHS["mixed"])
    with torch.autocast("cpu", torch.bfloat16):
        half = network(inputs)
    assert all(torch.isfinite(slope).all() for slope in gradients(network, half.float()).values())
    torch.testing.assert_close(half.float(), network(inputs), rtol=0.1, atol=0.15)


@pytest.mark.parametrize("kind", SMALL)
def test_dense_groups_alone_are_a_list_of_one(kind):
    experts = {"experts": InputGroup((5,), FEATURES)}
    options = {"momenta": {**MOMENTA, "eta": "delta_eta"}} if kind == "particle_transformer" else {}
    network = build(kind, experts, **options).eval()
    listed = build(kind, {"experts": InputGroup((1, 5), FEATURES, is_ragged=True)}, **options).eval()
    x = torch.randn(6, 5)
    as_list = RaggedBatch(x, torch.ones(6, dtype=torch.int64))
    torch.testing.assert_close(network({"experts": x}), listed({"experts": as_list}), rtol=1e-5, atol=1e-6)


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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and none is visible")
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize(("kind", "variant"), CASES)
def test_on_a_gpu_gradients_repeat_bit_for_bit_and_are_the_cpu_s(kind, variant, lengths):
    from bevatron.training.collate import move_to_device

    def run(device):
        network = build(kind, **variant).train().to(device)
        inputs = {name: move_to_device(group, torch.device(device)) for name, group in jets(lengths).items()}
        found = network(inputs)
        found.square().sum().backward()
        return [found.cpu(), *(weight.grad.cpu() for weight in network.parameters())]

    with deterministic(1):
        once, again, on_cpu = run("cuda"), run("cuda"), run("cpu")
    assert all(map(torch.equal, once, again))
    for ours, theirs in zip(once, on_cpu, strict=True):
        size = max([1.0, *theirs.abs().flatten().tolist()])
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4 * size)
