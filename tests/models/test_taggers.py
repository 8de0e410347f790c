"""GN2, ParticleNet and the Particle Transformer: formulas by plain loops, both forms of lists, gradients, repetition.

Beside the plain loops, weights of small networks were carried over once from salt 0.13.0 and weaver-core 0.5.3, the
authors' own code: outputs agree to single precision, and so do gradients of a first layer with those of weaver-core.
"""

import math

import numpy as np
import pytest
import tagger_references
import torch
from list_batches import pad
from tagger_networks import (
    CASES,
    FEATURES,
    GROUPS,
    LENGTHS,
    LONGEST,
    MOMENTA,
    SMALL,
    assert_close,
    build,
    gradients,
    jets,
)

from bevatron.compute.numerics.devices import deterministic
from bevatron.models.layers import lists_by_length
from bevatron.models.layers.inputs import InputGroup
from bevatron.store.readers.batch import RaggedBatch


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
