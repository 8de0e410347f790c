"""Networks over lists, in both forms in which lists come: order, empty lists, and each formula against plain loops."""

import math

import numpy as np
import pytest
import torch
from list_batches import unpad
from torch.nn import functional

from bevatron.compute.numerics.devices import deterministic
from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.models.layers.inputs import InputGroup, Padded
from bevatron.training.collate import move_to_device

KINDS = ("lstm", "outer_fold", "outer_convolution", "deep_sets", "transformer")
JET = InputGroup((2,), ("pt", "eta"))
GROUPS = {
    "jet": JET,
    "tracks": InputGroup((15, 4), tuple("abcd"), is_ragged=True),
    "vertices": InputGroup((15, 3), tuple("efg"), is_ragged=True),
}
EXPERTS = {"jet": JET, "experts": InputGroup((16,), tuple(f"x{i}" for i in range(16)))}


@pytest.fixture(params=["padded", "ragged"])
def form(request):
    """Padded lists to the form in which a network is given them."""
    return unpad if request.param == "ragged" else dict


def build(kind, groups=GROUPS, n_outputs=3, seed=1, **options):
    component = ARCHITECTURES[kind]
    torch.manual_seed(seed)
    return component(component.Options(kind=kind, **options), groups, n_outputs).eval()


def jets(n=40, n_max=15, seed=2):
    generator = torch.Generator().manual_seed(seed)
    n_valid = torch.randint(0, 16, (n,), generator=generator)
    n_valid[:2] = torch.tensor([0, 15])
    present = (torch.arange(n_max) < n_valid.unsqueeze(1)).unsqueeze(2)
    lists = {
        name: Padded(torch.randn(n, n_max, width, generator=generator) * present, n_valid)
        for name, width in (("tracks", 4), ("vertices", 3))
    }
    return {"jet": torch.randn(n, 2, generator=generator), **lists}


def with_lists(inputs, change):
    return {k: Padded(change(g.values), g.n_valid) if isinstance(g, Padded) else g for k, g in inputs.items()}


def shuffled_within(inputs):
    """Every jet's elements in the opposite order."""
    n_valid, n_max = inputs["tracks"].n_valid, inputs["tracks"].values.shape[1]
    place = torch.arange(n_max).expand(len(n_valid), -1)
    order = torch.where(place < n_valid.unsqueeze(1), n_valid.unsqueeze(1) - 1 - place, place)
    return with_lists(inputs, lambda v: v.gather(1, order.unsqueeze(2).expand_as(v)))


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_beyond_the_last_element_has_no_part(kind):
    network, inputs = build(kind), jets()
    absent = torch.arange(15) >= inputs["tracks"].n_valid.unsqueeze(1)
    dirty = with_lists(inputs, lambda v: v + 100.0 * absent.unsqueeze(2))
    with torch.no_grad():
        assert torch.allclose(network(dirty), network(inputs), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_jet_s_answer_does_not_depend_on_its_batch(kind, form):
    network, inputs = build(kind), jets()
    alone = {k: Padded(g.values[5:6], g.n_valid[5:6]) if isinstance(g, Padded) else g[5:6] for k, g in inputs.items()}
    with torch.no_grad():
        assert torch.allclose(network(form(alone)), network(form(inputs))[5:6], atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "sees_order"),
    [
        ("lstm", True),
        ("outer_fold", True),
        ("outer_convolution", True),
        ("deep_sets", False),
        ("transformer", False),
    ],
)
def test_order_means_something_to_sequences_and_nothing_to_sets(kind, sees_order, form):
    network, inputs = build(kind), jets()
    several = inputs["tracks"].n_valid > 1
    with torch.no_grad():
        change = (network(form(shuffled_within(inputs))) - network(form(inputs))).abs().amax(1)
    assert torch.all(change[~several] < 1e-6)
    assert torch.all(change[several] > 1e-5) if sees_order else torch.all(change < 1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_empty_lists_are_finite_and_every_weight_has_a_gradient(kind, form):
    network, inputs = build(kind).train(), jets()
    none = {k: Padded(g.values * 0, g.n_valid * 0) if isinstance(g, Padded) else g for k, g in inputs.items()}
    assert torch.isfinite(network(form(none))).all()
    with deterministic(1):
        functional.cross_entropy(network(form(inputs)), torch.arange(40) % 3).backward()
        for name, weight in network.named_parameters():
            assert torch.isfinite(weight.grad).all(), name
            if "in_proj_bias" not in name:  # the bias of the keys moves all scores alike, and softmax not at all
                assert weight.grad.abs().max() > 0, name
        network.zero_grad()
        network(form(none)).sum().backward()
    assert all(torch.isfinite(w.grad).all() for w in network.parameters() if w.grad is not None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_without_any_jet_takes_part_with_zero_gradients(kind, form):
    network, inputs = build(kind).train(), jets()
    nothing = {k: Padded(g.values[:0], g.n_valid[:0]) if isinstance(g, Padded) else g[:0] for k, g in inputs.items()}
    out = network(form(nothing))
    assert out.shape == (0, 3)
    out.sum().backward()
    assert all(torch.count_nonzero(weight.grad) == 0 for weight in network.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_fitting_and_using_are_the_same_function_without_dropout(kind, form):
    network, inputs = build(kind), jets()
    with torch.no_grad():
        used = network(form(inputs))
    assert torch.allclose(network.train()(form(inputs)), used, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_dense_groups_alone_are_a_list_of_one(kind):
    network = build(kind, EXPERTS)
    assert network.sequence_input.n_features == 18
    x = torch.randn(6, 18)
    out = network({"jet": x[:, :2], "experts": x[:, 2:]})
    assert out.shape == (6, 3)
    as_list = {"all": InputGroup((1, 18), tuple(map(str, range(18))), is_ragged=True)}
    listed = build(kind, as_list)
    shapes = {k: v.shape for k, v in listed.state_dict().items()}
    taken = {k: v if v.shape == shapes[k] else functional.pad(v, (0, 1)) for k, v in network.state_dict().items()}
    listed.load_state_dict(taken)
    same = listed({"all": Padded(x.unsqueeze(1), torch.ones(6, dtype=torch.int64))})
    assert torch.allclose(out, same, atol=1e-6)  # but for the fraction of places taken, which here has no weight


@pytest.mark.parametrize("kind", KINDS)
def test_lists_that_are_not_aligned_are_refused_in_one_line(kind):
    groups = {**GROUPS, "vertices": InputGroup((4, 3), tuple("efg"), is_ragged=True)}
    with pytest.raises(UserError, match=r"tracks and vertices are not aligned: .* tracks 15, vertices 4") as caught:
        build(kind, groups)
    assert "\n" not in str(caught.value)


def head(width, hidden=64, n_outputs=3):
    return (
        (width + 3) * hidden + hidden + hidden * n_outputs + n_outputs
    )  # 2 of the jet and the fraction of places taken


COUNTS = {
    "lstm": 4 * 32 * (7 + 32 + 2) + head(32),
    "outer_fold": 7 * 32 + 32 + 4 * (64 * 32 + 32) + head(32),
    # two later layers like the first, and what the inputs and each layer add to the summary
    "outer_convolution": 3 * 7 * 20 + 20 + 2 * (3 * 20 * 20 + 20) + 7 * 50 + 50 + 3 * (20 * 50 + 50) + head(50),
    "deep_sets": 7 * 64 + 64 + 64 * 64 + 64 + head(64),
    # embedding, 2 blocks of attention (q, k, v, out), feedforward and two norms, last norm
    "transformer": 7 * 32 + 32 + 2 * (4 * (32 * 32 + 32) + 32 * 64 + 64 + 64 * 32 + 32 + 4 * 32) + 2 * 32 + head(32),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_weights_is_that_worked_out_by_hand(kind):
    assert sum(p.numel() for p in build(kind).parameters()) == COUNTS[kind]


def elements_of(inputs, jet):
    n = int(inputs["tracks"].n_valid[jet])
    return torch.cat([inputs["tracks"].values[jet, :n], inputs["vertices"].values[jet, :n]], 1).double().numpy()


def finish(network, vector, inputs, jet):
    """The dense layers over a vector that was worked out by loops."""
    fraction = inputs["tracks"].n_valid[jet : jet + 1].float() / 15
    row = torch.cat([torch.tensor(vector, dtype=torch.float32), inputs["jet"][jet], fraction])
    return network.layers(row.unsqueeze(0)).squeeze(0)


def weights(module):
    return {name: p.detach().double().numpy() for name, p in module.named_parameters()}


def long_short_term_memory(w, elements):
    n_state = w["recurrent.weight_hh_l0"].shape[1]
    h, c = np.zeros(n_state), np.zeros(n_state)
    for x in elements:
        gates = w["recurrent.weight_ih_l0"] @ x + w["recurrent.weight_hh_l0"] @ h
        i, f, g, o = np.split(gates + w["recurrent.bias_ih_l0"] + w["recurrent.bias_hh_l0"], 4)
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    return h


def fold(w, elements):
    vectors = [np.maximum(w["embedding.weight"] @ x + w["embedding.bias"], 0) for x in elements]
    for layer in range(4):
        vectors += [np.zeros(32)] * (len(vectors) % 2)
        vectors = [
            np.maximum(w[f"folds.{layer}.weight"] @ np.append(a, b) + w[f"folds.{layer}.bias"], 0)
            for a, b in zip(vectors[::2], vectors[1::2], strict=True)
        ]
    return vectors[0] if vectors else np.zeros(32)


def convolve(w, elements):
    """The summary by the formula, each product of a matrix and a neighbour by itself."""

    def softmax(x):
        exponentials = np.exp(x - x.max())
        return exponentials / exponentials.sum()

    vectors, n = list(elements), len(elements)
    summary = np.zeros(50)
    for layer in range(4):
        for vector in vectors:
            summary += softmax(w[f"contributions.{layer}.weight"] @ vector + w[f"contributions.{layer}.bias"])
        if layer == 3:
            return summary
        of_place = np.split(w[f"convolutions.{layer}.weight"], 3, axis=1)
        new = [w[f"convolutions.{layer}.bias"].copy() for _ in range(n)]
        for i in range(n):
            for k in (-1, 0, 1):
                if 0 <= i + k < n:
                    new[i] += of_place[k + 1] @ vectors[i + k]
        vectors = [np.maximum(vector, 0) for vector in new]
    raise AssertionError


def mean_of_elements(w, elements):
    def phi(x):
        hidden = np.maximum(w["elements.0.0.weight"] @ x + w["elements.0.0.bias"], 0)
        return np.maximum(w["elements.0.2.weight"] @ hidden + w["elements.0.2.bias"], 0)

    return sum(map(phi, elements), np.zeros(64)) / max(len(elements), 1)


@pytest.mark.parametrize(
    ("kind", "reference"),
    [
        ("lstm", long_short_term_memory),
        ("outer_fold", fold),
        ("outer_convolution", convolve),
        ("deep_sets", mean_of_elements),
    ],
)
def test_each_formula_is_that_of_plain_loops(kind, reference, form):
    network, inputs = build(kind), jets()
    with torch.no_grad():
        out = network(form(inputs))
        for jet in range(6):
            vector = reference(weights(network), elements_of(inputs, jet))
            assert torch.allclose(out[jet], finish(network, vector, inputs, jet), atol=1e-5), jet


def test_an_outer_network_sees_as_far_as_its_layers_reach(form):
    """An element's vector changes with those up to layers · (window − 1) / 2 places away, and with no other."""
    network, inputs = build("outer_convolution", layers=2, window=5, width=30), jets()
    full = int(torch.nonzero(inputs["tracks"].n_valid == 15)[0])
    of_one = {
        k: Padded(g.values[[full]], g.n_valid[[full]]) if isinstance(g, Padded) else g[[full]]
        for k, g in inputs.items()
    }
    touched = with_lists(of_one, lambda v: v + 3.0 * (torch.arange(15) == 7).view(1, 15, 1))
    with torch.no_grad():
        before, after = (network.encode(form(batch)).elements.reshape(15, 30) for batch in (of_one, touched))
    changed = (after - before).abs().amax(1) > 1e-6
    assert torch.nonzero(changed).flatten().tolist() == list(range(7 - 4, 7 + 4 + 1))


def test_an_outer_network_is_the_same_all_along_the_list(form):
    """Elements moved along a list, far from its ends, have the same vectors there; absent ones are zero."""
    network = build("outer_convolution", {"tracks": InputGroup((15, 4), tuple("abcd"), is_ragged=True)}, width=30)
    some, n_valid = torch.randn(3, 4, generator=torch.Generator().manual_seed(1)), torch.tensor([15, 15])
    lists = torch.zeros(2, 15, 4)
    lists[0, 4:7], lists[1, 7:10] = some, some
    with torch.no_grad():
        first, second = network.encode(form({"tracks": Padded(lists, n_valid)})).elements.reshape(2, 15, 30)
    assert torch.allclose(first[3:9], second[6:12], atol=1e-6)
    assert not torch.allclose(first[3:9], second[3:9], atol=1e-3)


def test_each_element_adds_one_unit_for_each_layer_to_the_summary(form):
    network, inputs = build("outer_convolution", layers=4), jets()
    with torch.no_grad():
        summary = network.encode(form(inputs)).sample[:, :50]
    assert torch.allclose(summary.sum(1), 5.0 * inputs["tracks"].n_valid, atol=1e-4)


def test_a_window_without_a_middle_is_refused():
    with pytest.raises(ValueError, match="window must be odd, so that it has a middle; found 4"):
        build("outer_convolution", window=4)


def test_the_sum_of_deep_sets_grows_with_the_number_of_elements(form):
    network, inputs = build("deep_sets", pooling="sum"), jets()
    with torch.no_grad():
        for jet in (1, 3):
            elements = elements_of(inputs, jet)
            vector = mean_of_elements(weights(network), elements) * len(elements)
            assert torch.allclose(network(form(inputs))[jet], finish(network, vector, inputs, jet), atol=1e-5)


def test_attention_is_softmax_of_scaled_products_over_the_elements_present(form):
    network, inputs = build("transformer", heads=1, blocks=1), jets()
    w = weights(network)

    def norm(x, name):
        centred = x - x.mean(1, keepdims=True)
        return centred / np.sqrt(x.var(1, keepdims=True) + 1e-5) * w[f"{name}.weight"] + w[f"{name}.bias"]

    for jet in (1, 3, 4):
        y = elements_of(inputs, jet) @ w["embedding.weight"].T + w["embedding.bias"]
        block = "encoder.layers.0"
        projected = norm(y, f"{block}.norm1") @ w[f"{block}.self_attn.in_proj_weight"].T
        q, k, v = np.split(projected + w[f"{block}.self_attn.in_proj_bias"], 3, axis=1)
        fraction = np.exp(q @ k.T / math.sqrt(32))
        seen = (fraction / fraction.sum(1, keepdims=True)) @ v
        y = y + seen @ w[f"{block}.self_attn.out_proj.weight"].T + w[f"{block}.self_attn.out_proj.bias"]
        hidden = norm(y, f"{block}.norm2") @ w[f"{block}.linear1.weight"].T + w[f"{block}.linear1.bias"]
        gelu = np.array([[z * (1 + math.erf(z / math.sqrt(2))) / 2 for z in row] for row in hidden])
        y = y + gelu @ w[f"{block}.linear2.weight"].T + w[f"{block}.linear2.bias"]
        vector = norm(y, "encoder.norm").mean(0)
        with torch.no_grad():
            assert torch.allclose(network(form(inputs))[jet], finish(network, vector, inputs, jet), atol=1e-5), jet


def test_the_blocks_of_a_transformer_do_not_start_alike():
    first, second = build("transformer").encoder.layers
    assert not torch.equal(first.linear1.weight, second.linear1.weight)
    assert not torch.equal(first.self_attn.in_proj_weight, second.self_attn.in_proj_weight)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and none is visible")
@pytest.mark.parametrize("kind", KINDS)
def test_on_a_gpu_gradients_repeat_bit_for_bit_and_are_the_cpu_s(kind):
    def gradients(device):
        network = build(kind).train().to(device)
        inputs = {name: move_to_device(group, torch.device(device)) for name, group in jets().items()}
        functional.cross_entropy(network(inputs), (torch.arange(40) % 3).to(device)).backward()
        return [weight.grad.cpu() for weight in network.parameters()]

    with deterministic(1):
        once, again, on_cpu = gradients("cuda"), gradients("cuda"), gradients("cpu")
    assert all(map(torch.equal, once, again))
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(once, on_cpu, strict=True))
