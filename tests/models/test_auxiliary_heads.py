"""Heads of auxiliary tasks say the same of lists and of padded lists, in the stated order, and start by themselves."""

import numpy as np
import pytest
import torch
from torch import nn

from bevatron.models.auxiliary import same_vertex
from bevatron.models.auxiliary.element_pairs import pairs_of
from bevatron.models.auxiliary.spec import AuxiliarySpec
from bevatron.models.layers.inputs import InputGroup, Padded
from bevatron.models.network import NetworkSpec, draw_network, load_network, weights_bytes
from bevatron.store.readers.batch import RaggedBatch, pad
from bevatron.store.shards.target_statistics import TargetStatistics

N_MAX = 9
INPUTS = {"jet": InputGroup((2,), ("pt", "eta")), "tracks": InputGroup((N_MAX, 3), ("d0", "z0", "pt"), is_ragged=True)}
ORIGIN = AuxiliarySpec("element_classification", "origin", (8, 5), "tracks", ("fake", "primary", "from_b"))
VERTEX = AuxiliarySpec("same_vertex", "vertex", (8,), "tracks")
LENGTH = AuxiliarySpec("regression", "decay_length", (6,), n_numbers=2)
HEADS = {"origin": ORIGIN, "vertex": VERTEX, "decay": LENGTH}
NUMBERS = [TargetStatistics(count=9, mean=m, std=s, minimum=0, maximum=1) for m, s in ((5.0, 2.0), (-1.0, 0.0))]
ARCHITECTURES = {
    "deep_sets": {"kind": "deep_sets", "element_widths": [6, 7], "widths": [4]},
    "transformer": {"kind": "transformer", "width": 8, "heads": 2, "blocks": 1, "feedforward": 8, "widths": [4]},
}
LENGTHS = [3, 0, 9, 1, 4, 4, 2, 0, 5, 8, 6, 7, 2]


def spec_of(kind="deep_sets", heads=HEADS):
    return NetworkSpec(ARCHITECTURES[kind], INPUTS, 3, "none", auxiliary=heads)


def network_of(kind="deep_sets", heads=HEADS, seed=3):
    network = draw_network(spec_of(kind, heads), seed, auxiliary_statistics={"decay": NUMBERS})
    for module in network.modules():  # biases that are zero would hide what is left out
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.normal_(module.bias, std=0.3, generator=torch.Generator().manual_seed(seed))
    return network


def batch_of(lengths=LENGTHS, seed=0):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.tensor(lengths, dtype=torch.int64)
    values = torch.randn(int(lengths.sum()), 3, generator=generator)
    return {"jet": torch.randn(len(lengths), 2, generator=generator), "tracks": RaggedBatch(values, lengths)}


def padded(inputs):
    return {**inputs, "tracks": Padded(*pad(inputs["tracks"], N_MAX))}


@pytest.mark.parametrize("lengths", [LENGTHS, [0, 0], [1], [2], [0, 1, 0], [9, 9, 9], [4]])
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_lists_and_padded_lists_agree_in_the_stated_order(kind, lengths):
    network, inputs = network_of(kind).eval(), batch_of(lengths)
    one, other = network.forward_with_auxiliary(inputs), network.forward_with_auxiliary(padded(inputs))
    torch.testing.assert_close(one.outputs, network(inputs))
    torch.testing.assert_close(one.outputs, other.outputs)
    origin = [row[:n] for row, n in zip(other.auxiliary["origin"], lengths, strict=True)]
    torch.testing.assert_close(one.auxiliary["origin"], torch.cat(origin))
    vertex = [
        matrix[i, j].reshape(1)
        for matrix, n in zip(other.auxiliary["vertex"], lengths, strict=True)
        for i in range(n)
        for j in range(i + 1, n)
    ]
    torch.testing.assert_close(one.auxiliary["vertex"], torch.cat([torch.zeros(0), *vertex]))
    torch.testing.assert_close(one.auxiliary["decay"], other.auxiliary["decay"])
    assert one.auxiliary["decay"].shape == (len(lengths), 2)


def test_pairs_come_list_by_list_and_never_mix_lists():
    lengths = torch.tensor([3, 0, 1, 2, 4])
    pairs = pairs_of(lengths)
    starts = np.concatenate([[0], np.cumsum(lengths.numpy())])
    expected = [
        (starts[k] + i, starts[k] + j, k) for k, n in enumerate(lengths) for i in range(n) for j in range(i + 1, n)
    ]
    assert list(zip(*(part.tolist() for part in pairs), strict=True)) == expected
    assert all(len(part) == 0 for part in pairs_of(torch.zeros(3, dtype=torch.int64)))


def test_outputs_are_those_of_a_loop_over_elements_and_pairs():
    """The formulas of the heads, one element and one pair at a time, from the encoding itself."""
    network, inputs = network_of().eval(), batch_of()
    found = network.forward_with_auxiliary(inputs)
    encoding = network.architecture.encode(network.normalise(padded(inputs)))
    origin, vertex = network.head("origin"), network.head("vertex")
    elements, pairs = [], []
    for of_list, sample, n in zip(encoding.elements, encoding.sample, LENGTHS, strict=True):
        for i in range(n):
            elements.append(origin.layers(origin.of_elements(of_list[i]) + origin.of_sample(sample)))
            for j in range(i + 1, n):
                difference = vertex.differences(of_list[i]) - vertex.differences(of_list[j])
                both = vertex.sums(of_list[i]) + vertex.sums(of_list[j])
                pairs.append(vertex.layers(torch.relu(both + difference.abs() + vertex.of_sample(sample))))
    torch.testing.assert_close(found.auxiliary["origin"], torch.stack(elements))
    torch.testing.assert_close(found.auxiliary["vertex"], torch.cat(pairs))


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_another_order_of_elements_gives_the_same_in_that_order(kind):
    """Pairs are symmetric: the logit of (j, i) is that of (i, j)."""
    network, inputs = network_of(kind).eval(), batch_of([6])
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    values, lengths = inputs["tracks"]
    shuffled = {**inputs, "tracks": RaggedBatch(values[order], lengths)}
    one, other = network.forward_with_auxiliary(inputs), network.forward_with_auxiliary(shuffled)
    torch.testing.assert_close(one.auxiliary["origin"][order], other.auxiliary["origin"])
    matrices = []
    for outputs in (one, other):
        matrix = torch.zeros(6, 6)
        pairs = pairs_of(lengths)
        matrix[pairs.first, pairs.second] = matrix[pairs.second, pairs.first] = outputs.auxiliary["vertex"]
        matrices.append(matrix)
    torch.testing.assert_close(matrices[0][order][:, order], matrices[1])
    as_padded = network.forward_with_auxiliary(padded(inputs)).auxiliary["vertex"][0]
    assert torch.equal(as_padded, as_padded.T)


@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_each_task_teaches_the_shared_encoder(kind, name):
    network = network_of(kind)
    network.forward_with_auxiliary(batch_of()).auxiliary[name].square().sum().backward()
    first = next(iter(network.architecture.parameters()))
    assert first.grad is not None
    assert first.grad.abs().sum() > 0
    assert all(weights.grad is None for weights in network.architecture.layers[-1].parameters())
    others = [head for other in HEADS if other != name for head in network.head(other).parameters()]
    assert all(weights.grad is None for weights in others)


@pytest.mark.parametrize("lengths", [[0, 0], [1], [0, 1, 1], []])
@pytest.mark.parametrize("name", HEADS)
def test_all_weights_of_a_head_have_a_gradient_where_there_is_nothing_to_learn_from(name, lengths):
    """Else workers of which one has no pair would wait for each other's gradients."""
    network = network_of()
    network.forward_with_auxiliary(batch_of(lengths)).auxiliary[name].sum().backward()
    assert all(weights.grad is not None for weights in network.head(name).parameters())
    assert all(weights.grad.isfinite().all() for weights in network.head(name).parameters())


def test_gradients_are_those_of_padded_lists():
    grads = []
    for form in (lambda x: x, padded):
        network, inputs = network_of(), batch_of()
        found = network.forward_with_auxiliary(form(inputs)).auxiliary
        if form is padded:
            n = torch.tensor(LENGTHS)
            place = torch.arange(N_MAX)
            upper = (place[:, None] < place) & (place < n[:, None, None])
            total = found["origin"][place < n[:, None]].square().sum() + found["vertex"][upper].square().sum()
        else:
            total = found["origin"].square().sum() + found["vertex"].square().sum()
        (total + found["decay"].square().sum()).backward()
        grads.append(
            [weights.grad for name, weights in network.named_parameters() if not name.startswith("architecture.layers")]
        )
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_many_pairs_are_computed_some_at_a_time_with_the_same_result(monkeypatch):
    results = []
    for at_once, kept in ((2**13, 2**20), (5, 2**20), (5, 1)):
        monkeypatch.setattr(same_vertex, "AT_ONCE", at_once)
        monkeypatch.setattr(same_vertex, "ALL_KEPT", kept)
        network = network_of()
        logits = network.forward_with_auxiliary(batch_of()).auxiliary["vertex"]
        logits.square().sum().backward()
        results.append([logits.detach(), *(w.grad for w in network.head("vertex").parameters())])
    for result in results[1:]:
        for one, other in zip(results[0], result, strict=True):
            torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_one_bucket_of_all_lists_as_on_a_gpu_gives_the_same(kind, monkeypatch):
    """Attention there has all lists in one bucket, pairs have lists of about one length."""
    from bevatron.models.layers import lists_by_length
    from bevatron.models.layers.lists_by_length import ListsByLength

    network, inputs = network_of(kind).eval(), batch_of()
    expected = network.forward_with_auxiliary(inputs)
    finer = ListsByLength.buckets.func
    one = property(lambda sets: lists_by_length._make_buckets(sets.order, 1))
    monkeypatch.setattr(ListsByLength, "buckets", one)
    monkeypatch.setattr(ListsByLength, "buckets_by_length", finer)
    found = network.forward_with_auxiliary(inputs)
    for name in HEADS:
        torch.testing.assert_close(found.auxiliary[name], expected.auxiliary[name])


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_the_network_starts_with_the_same_weights_with_and_without_them(kind):
    def drawn(heads):
        return draw_network(spec_of(kind, heads), 5, auxiliary_statistics={"decay": NUMBERS}).state_dict()

    plain, three, two = drawn({}), drawn(HEADS), drawn({"vertex": VERTEX, "decay": LENGTH})
    assert all(torch.equal(three[name], values) for name, values in plain.items())
    assert all(torch.equal(three[name], values) for name, values in two.items())
    assert {name.split(".")[1] for name in three.keys() - plain.keys()} == {"task_origin", "task_vertex", "task_decay"}
    other = draw_network(spec_of(kind), 6).state_dict()
    assert not torch.equal(other["auxiliary.task_vertex.sums.weight"], three["auxiliary.task_vertex.sums.weight"])


def test_numbers_come_in_the_target_s_units():
    network = network_of()
    head = network.head("decay")
    for layer in head.layers:
        if isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
    assert torch.equal(network.forward_with_auxiliary(batch_of()).auxiliary["decay"][0], torch.tensor([5.0, -1.0]))
    assert head.outputs.scale.tolist() == [2.0, 1.0]


def test_a_network_is_saved_and_loaded_with_its_heads(tmp_path):
    from bevatron.store.files.publish import publish_json

    network = network_of()
    (tmp_path / "weights.safetensors").write_bytes(weights_bytes(network))
    publish_json(tmp_path / "model.json", {"network": network.spec.as_payload()})
    again = load_network(tmp_path)
    assert again.spec == network.spec
    for name, found in again.forward_with_auxiliary(batch_of()).auxiliary.items():
        assert torch.equal(found, network.eval().forward_with_auxiliary(batch_of()).auxiliary[name])
    assert "auxiliary" not in spec_of(heads={}).as_payload()


VERTEX_HEAD = {"name": "vertex", **VERTEX.as_payload()}


@pytest.mark.parametrize(
    "heads",
    [
        3,
        ["vertex"],
        [{"name": "vertex"}],
        [{**VERTEX_HEAD, "kind": "same_vertexes"}],
        [{**VERTEX_HEAD, "more": 1}],
        [{**VERTEX_HEAD, "widths": []}],
        [{**VERTEX_HEAD, "widths": ["a"]}],
        [{**VERTEX_HEAD, "widths": [-3]}],
        [{**VERTEX_HEAD, "widths": [10**12]}],
        [{**VERTEX_HEAD, "widths": [9]}],
    ],
)
def test_a_description_of_no_heads_is_refused_in_one_line(heads, tmp_path):
    from bevatron.errors import UserError
    from bevatron.store.files.publish import publish_json

    network = network_of(heads={"vertex": VERTEX})
    (tmp_path / "weights.safetensors").write_bytes(weights_bytes(network))
    publish_json(tmp_path / "model.json", {"network": {**network.spec.as_payload(), "auxiliary": heads}})
    with pytest.raises(UserError, match=r"model.json: is no description|does not hold this network's weights") as error:
        load_network(tmp_path)
    assert "\n" not in str(error.value)


def test_a_task_may_have_any_name_and_no_hidden_layer():
    heads = {name: AuxiliarySpec("element_classification", "o", (), "tracks", ("a", "b")) for name in ("keys", "train")}
    network = draw_network(spec_of(heads=heads), 1)
    assert network.forward_with_auxiliary(batch_of()).auxiliary["keys"].shape == (sum(LENGTHS), 2)


def test_an_architecture_without_elements_is_refused():
    spec = NetworkSpec({"kind": "mlp", "widths": [4]}, {"jet": INPUTS["jet"]}, 3, "none", auxiliary={"d": LENGTH})
    with pytest.raises(ValueError, match="'mlp' encodes no elements"):
        draw_network(spec, 1)
