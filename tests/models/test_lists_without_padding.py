"""Networks over lists compute on the elements that exist what they computed on padded lists."""

import pytest
import torch
from list_batches import GROUPS, LONGEST, pad, ragged_jets
from padded_networks import outputs, torch_encoder
from torch import nn
from torch.nn import functional

from bevatron.compute.numerics.devices import deterministic
from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.models.layers import lists_by_length, recurrent
from bevatron.models.layers.asinh import asinh
from bevatron.models.layers.inputs import InputGroup, Padded
from bevatron.models.layers.list_order import ListOrder
from bevatron.models.layers.lists_by_length import ListsByLength, by_length
from bevatron.models.layers.lists_by_pair import by_pair
from bevatron.models.layers.lists_by_step import by_step
from bevatron.models.layers.row_places import RowPlaces
from bevatron.store.readers.batch import RaggedBatch
from bevatron.training.collate import move_to_device, select_samples

KINDS = ("deep_sets", "lstm", "outer_fold", "outer_convolution", "transformer")
SEVERAL = {
    "deep_sets": {"pooling": "sum"},
    "lstm": {"layers": 3},
    "outer_convolution": {"layers": 5, "window": 7},
    "transformer": {"pooling": "sum", "blocks": 3},
}
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


def build(kind, options=None, groups=GROUPS, seed=1):
    component = ARCHITECTURES[kind]
    torch.manual_seed(seed)
    return component(component.Options(kind=kind, **(options or {})), groups, 3)


def gradients(network, found):
    """Of a loss to which every output of every jet adds something else."""
    network.zero_grad()
    (found * torch.linspace(-1, 1, found.numel()).view(found.shape)).sum().backward()
    return {name: weight.grad.clone() for name, weight in network.named_parameters()}


def assert_close(found, expected):
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        size = max(1.0, gradient.abs().max().item())
        torch.testing.assert_close(
            found[name], gradient, rtol=1e-4, atol=1e-5 * size, msg=lambda m, n=name: f"{n}: {m}"
        )


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("several", [False, True], ids=["as configured", "several layers"])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_gradients_are_those_of_padded_lists(kind, several, lengths):
    network, inputs = build(kind, SEVERAL.get(kind) if several else None).train(), ragged_jets(lengths)
    with deterministic(1):
        found = network(inputs)
        ours = gradients(network, found)
        if kind == "transformer" and not lengths:
            assert found.shape == (0, 3)  # PyTorch's attention cannot take a batch of nothing
            assert all(gradient.count_nonzero() == 0 for gradient in ours.values())
            return
        expected = outputs(kind, network, pad(inputs))
        theirs = gradients(network, expected)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert_close(ours, theirs)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_are_those_of_padded_lists_of_any_lengths(kind, seed):
    random = torch.Generator().manual_seed(seed)
    lengths = torch.poisson(torch.full((200,), (0.3, 2.0, 4.0, 12.0)[seed]), random).clamp(max=LONGEST).long()
    network, inputs = build(kind).eval(), ragged_jets(lengths, seed)
    with torch.no_grad():
        torch.testing.assert_close(network(inputs), outputs(kind, network, pad(inputs)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_both_forms_of_lists_give_the_same(kind):
    """The padded form is what becomes ONNX."""
    network, inputs = build(kind).train(), ragged_jets(LENGTHS["mixed"])
    ours, theirs = network(inputs), network(pad(inputs))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    assert_close(gradients(network, ours), gradients(network, network(pad(inputs))))


@pytest.mark.parametrize("kind", KINDS)
def test_jets_in_another_order_get_the_same_answers(kind):
    network, inputs = build(kind).eval(), ragged_jets(LENGTHS["mixed"])
    order = torch.randperm(len(LENGTHS["mixed"]), generator=torch.Generator().manual_seed(3))
    shuffled = {name: _take(group, order) for name, group in inputs.items()}
    with torch.no_grad():
        torch.testing.assert_close(network(shuffled), network(inputs)[order], rtol=1e-5, atol=1e-6)


def _take(group, order):
    if not isinstance(group, RaggedBatch):
        return group[order]
    parts = group.values.split(group.lengths.tolist())
    return RaggedBatch(torch.cat([parts[i] for i in order.tolist()]), group.lengths[order])


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_gradients_repeat_bit_for_bit(kind, dropout):
    network = build(kind, {"dropout": dropout}).train()
    inputs = ragged_jets(torch.randint(0, 16, (300,), generator=torch.Generator().manual_seed(5)))

    def once():
        torch.manual_seed(7)
        found = network(inputs)
        return [found, *gradients(network, found).values()]

    with deterministic(2):
        assert all(map(torch.equal, once(), once()))


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradients_of_several_workers_add_up_to_those_of_the_batch(kind):
    """Parts of a batch, one of them without any jet."""
    network, inputs = build(kind).train(), ragged_jets(LENGTHS["mixed"])

    def gradient(rows):
        network.zero_grad()
        network(select_samples({"inputs": inputs, "targets": {}}, rows)["inputs"]).square().sum().backward()
        return {name: weight.grad.clone() for name, weight in network.named_parameters()}

    n = len(LENGTHS["mixed"])
    parts = [gradient(rows) for rows in torch.arange(n).split([6, 0, n - 6])]
    assert_close({name: sum(part[name] for part in parts) for name in parts[0]}, gradient(torch.arange(n)))


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_the_inputs(kind):
    """Of the elements that exist; as an attack or a saliency map asks for them."""
    network, inputs = build(kind).train(), ragged_jets(LENGTHS["mixed"])
    tracks = inputs["tracks"].values.requires_grad_()
    padded = pad(inputs)
    (ours,) = torch.autograd.grad(network(inputs).square().sum(), tracks)
    (theirs,) = torch.autograd.grad(outputs(kind, network, padded).square().sum(), tracks)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_is_near_single_precision(kind):
    network, inputs = build(kind).train(), ragged_jets(LENGTHS["mixed"])
    with torch.autocast("cpu", torch.bfloat16):
        half = network(inputs)
    assert all(torch.isfinite(gradient).all() for gradient in gradients(network, half.float()).values())
    torch.testing.assert_close(half.float(), network(inputs), rtol=0.1, atol=0.1)


@pytest.mark.parametrize("buckets", [1, 3, 16])
@pytest.mark.parametrize("kind", ["deep_sets", "outer_convolution", "transformer"])
def test_lists_of_many_lengths_share_buckets(kind, buckets, monkeypatch):
    """One bucket is what a GPU is given; lists of up to 90 elements share 16 of them."""
    monkeypatch.setattr(lists_by_length, "MAX_BUCKETS", buckets)
    longest = 90
    groups = {n: g if n == "jet" else InputGroup((longest, g.shape[1]), g.features, True) for n, g in GROUPS.items()}
    network = build(kind, groups=groups).train()
    inputs = ragged_jets([90, 3, 0, 41, 40, 40, 1, 77, 2, 89, 88, 87, 0, 12])
    found = network(inputs)
    expected = outputs(kind, network, pad(inputs, longest), longest)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert_close(gradients(network, found), gradients(network, expected))
    sets = ListsByLength(inputs["tracks"])
    assert len(sets.buckets) <= buckets
    assert sum(bucket.n_elements for bucket in sets.buckets) == len(inputs["tracks"].values)


def test_lists_of_few_lengths_are_not_padded_at_all():
    sets = ListsByLength(ragged_jets(LENGTHS["mixed"])["tracks"])
    assert [(bucket.n, bucket.n_lists) for bucket in sets.buckets] == [
        (15, 2), (12, 1), (7, 1), (5, 1), (4, 2), (3, 2), (2, 1), (1, 3),
    ]  # fmt: skip
    assert all(bucket.seen is None for bucket in sets.buckets)


@pytest.mark.parametrize("form", ["padded", "ragged"])
def test_windows_end_where_their_list_ends(form):
    """Also windows that are wider than every list, and next to numbers that are none."""
    values, lengths = torch.tensor([[10.0], [20], [21], [22], [float("nan")]]), torch.tensor([1, 3, 0, 1])
    lists = RaggedBatch(values, lengths)
    if form == "padded":
        lists = Padded(pad({"lists": RaggedBatch(values.nan_to_num(30), lengths)}, 3)["lists"].values, lengths)
    sets = by_length(lists)

    def rows(reach):
        found = sets.windows(sets.elements, reach)
        return found[:4].tolist() if form == "ragged" else [*found[1].tolist(), found[0, 0].tolist()]

    assert rows(2) == [[0, 0, 20, 21, 22], [0, 20, 21, 22, 0], [20, 21, 22, 0, 0], [0, 0, 10, 0, 0]]
    beyond = [0] * 7
    assert rows(9) == [[*beyond, *row, *beyond] for row in rows(2)]


def test_steps_take_the_lists_that_go_on():
    lists = RaggedBatch(torch.tensor([[10.0], [11], [20], [40], [41], [42]]), torch.tensor([2, 1, 0, 3]))
    steps = by_step(lists)
    assert [rows.flatten().tolist() for rows in steps.steps(steps.elements)] == [[40, 10, 20], [41, 11], [42]]
    assert steps.last(steps.steps(steps.elements)).flatten().tolist() == [11, 20, 0, 42]
    assert steps.filled == pytest.approx(6 / 9)


def test_neighbours_become_pairs():
    lists = by_pair(RaggedBatch(torch.tensor([[10.0], [11], [20], [40], [41], [42]]), torch.tensor([2, 1, 0, 3])))
    pairs, halved = lists.pair(lists.elements)
    assert pairs.tolist() == [[10, 11], [20, 0], [40, 41], [42, 0]]
    pairs, quartered = halved.pair(pairs)
    assert pairs.tolist() == [[10, 11, 0, 0], [20, 0, 0, 0], [40, 41, 42, 0]]
    assert quartered.single(pairs).tolist() == [[10, 11, 0, 0], [20, 0, 0, 0], [0, 0, 0, 0], [40, 41, 42, 0]]


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_every_element_is_taken_once(lengths):
    order = ListOrder(torch.tensor(lengths, dtype=torch.int64))
    for elements in (order.elements_by_list(), order.elements_by_step()):
        assert sorted(elements.tolist()) == list(range(sum(lengths)))
    assert sum(order.lists_at_step()) == sum(lengths)
    rows = torch.arange(1.0, order.n_lists + 1).unsqueeze(1)
    assert (order.restore(rows).flatten() > 0).tolist() == [length > 0 for length in lengths]


@pytest.mark.parametrize("filled", [0.0, 1.1], ids=["by PyTorch's kernel", "by steps"])
@pytest.mark.parametrize("layers", [1, 2])
def test_both_ways_of_a_recurrent_layer_are_the_same_function(layers, filled, monkeypatch):
    monkeypatch.setattr(recurrent, "WELL_FILLED", filled)
    network, inputs = build("lstm", {"layers": layers}).train(), ragged_jets(LENGTHS["mixed"])
    found, expected = network(inputs), outputs("lstm", network, pad(inputs))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert_close(gradients(network, found), gradients(network, expected))


def test_gradients_written_down_by_hand_are_those_of_finite_differences():
    def random(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator).requires_grad_()

    generator = torch.Generator().manual_seed(1)
    sizes = [4, 2, 2, 1]
    assert torch.autograd.gradcheck(lambda g, w: recurrent._States.apply(g, w, sizes), (random(9, 12), random(12, 3)))
    places = RowPlaces(torch.tensor([2, 0, 0, 1]), torch.tensor([True, True, False, True]), torch.tensor([1, 3, 0]))
    assert torch.autograd.gradcheck(places.put, random(3, 2))
    assert torch.autograd.gradcheck(places.take, random(4, 2))
    assert torch.equal(places.take(places.put(torch.eye(3))), torch.eye(3))
    assert torch.autograd.gradcheck(asinh, random(5))


def test_asinh_is_as_precise_as_pytorch_s():
    x = torch.cat([torch.logspace(-30, 37, 2000), torch.linspace(0, 20, 2000)])
    x = torch.cat([x, -x]).requires_grad_()
    expected = torch.asinh(x.detach().double())
    error = (asinh(x).double() - expected).abs() / expected.abs().clamp(min=1e-300)
    assert error.max() < 2e-7
    asinh(x).sum().backward()
    torch.testing.assert_close(x.grad[2000], torch.tensor(1.0))  # at zero


def test_a_transformer_starts_with_the_weights_that_pytorch_s_would_have():
    torch.manual_seed(1)
    nn.Linear(7, 32)  # the embedding, drawn before
    like = build("transformer", seed=3).encoder
    torch.manual_seed(1)
    nn.Linear(7, 32)
    expected = torch_encoder(32, like).state_dict()
    found = build("transformer", seed=1).encoder.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_lists_with_different_numbers_of_elements_are_refused_in_one_line():
    inputs = ragged_jets([2, 3]) | {"vertices": ragged_jets([2, 2])["vertices"]}
    with pytest.raises(UserError, match=r"not aligned: they have 5 and 4 elements") as caught:
        build("deep_sets")(inputs)
    assert "\n" not in str(caught.value)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and none is visible")
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_on_a_gpu_gradients_repeat_bit_for_bit_and_are_the_cpu_s(kind, lengths):
    def run(device):
        network = build(kind).train().to(device)
        inputs = {name: move_to_device(group, torch.device(device)) for name, group in ragged_jets(lengths).items()}
        found = network(inputs)
        functional.mse_loss(found, torch.ones_like(found), reduction="sum").backward()
        return [found.cpu(), *(weight.grad.cpu() for weight in network.parameters())]

    with deterministic(1):
        once, again, on_cpu = run("cuda"), run("cuda"), run("cpu")
    assert all(map(torch.equal, once, again))
    for ours, theirs in zip(once, on_cpu, strict=True):
        size = max([1.0, *theirs.abs().flatten().tolist()])
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4 * size)
