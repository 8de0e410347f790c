"""Every architecture as ONNX: what onnxruntime says is what PyTorch says, whatever the batch's size."""

import numpy as np
import pytest
import torch
from list_batches import unpad

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.models.layers.inputs import InputGroup, Padded
from bevatron.models.network import Network, NetworkSpec

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

JET = InputGroup((4,), ("pt", "eta", "mass", "energy"))
TRACKS = InputGroup((6, 3), ("d0", "z0", "phi"), is_ragged=True)
IMAGE = InputGroup((2, 80, 76), ("u", "y"))
GROUPS = {"jet": JET, "tracks": TRACKS, "image": IMAGE}

# One line for each architecture: its smallest options that leave no part of it out, and the groups that it reads; more
# of those that have several forms, named after a comma.
SMALL = {
    "alexnet": ({"width": 0.02, "stride": 2}, ["image"]),
    "autoencoder": ({"latent": 2, "widths": [5]}, ["jet"]),
    "boosted_trees": ({"rounds": 4}, ["jet", "tracks"]),
    "center_net": ({"channels": [3, 4, 5], "width": 6, "min_score": 0.001}, ["image"]),
    "committee": ({"members": ["one", "two"], "widths": [4]}, ["jet", "tracks"]),
    "convolutional": ({"channels": [3, 4], "pooling": "average", "activation": "prelu", "dropout": 0.1}, ["image"]),
    "convolutional_autoencoder": ({"latent": 3, "channels": [2, 3]}, ["image"]),
    "deep_sets": ({"element_widths": [5, 4], "widths": [6]}, ["jet", "tracks"]),
    "fisher": ({}, ["jet", "tracks"]),
    "gn2": (
        {
            "embedding_widths": [5],
            "width": 8,
            "blocks": 1,
            "heads": 2,
            "feedforward": 8,
            "gated": True,
            "layer_scale": 0.5,
            "output_width": 6,
            "widths": [6],
        },
        ["jet", "tracks"],
    ),
    "googlenet": ({"width": 0.03}, ["image"]),
    "inception_resnet_v2": ({"width": 0.03, "blocks": [1, 1, 1]}, ["image"]),
    "lenet": ({"widths": [8]}, ["image"]),
    "lstm": ({"state": 5, "layers": 2, "widths": [6], "dropout": 0.1}, ["jet", "tracks"]),
    "mlp": ({"widths": [8, 5], "activation": "prelu", "dropout": 0.2}, ["jet", "tracks"]),
    "outer_convolution": ({"width": 5, "layers": 2, "summary": 4, "widths": [6]}, ["jet", "tracks"]),
    "outer_fold": ({"width": 5, "widths": [6]}, ["jet", "tracks"]),
    "particle_net": (
        {"coordinates": ["d0", "tracks.z0"], "neighbours": 3, "convolutions": [[5, 6], [6]], "widths": [6]},
        ["jet", "tracks"],
    ),
    "particle_transformer": (
        {
            "momenta": {"log_pt": "d0", "eta": "z0", "phi": "phi"},
            "embedding_widths": [5, 8],
            "pair_widths": [5],
            "heads": 2,
            "blocks": 2,
            "class_blocks": 1,
            "feedforward": 8,
        },
        ["jet", "tracks"],
    ),
    "particle_net, all others": (
        {"coordinates": [], "neighbours": 9, "convolutions": [[5], [5, 5]], "widths": [6]},
        ["tracks"],
    ),
    "particle_net, a list of one": ({"coordinates": [], "convolutions": [[5, 6]], "widths": [6]}, ["jet"]),
    "particle_transformer, a list of one": (
        {
            "momenta": {"px": "pt", "py": "eta", "pz": "mass", "energy": "energy"},
            "embedding_widths": [8],
            "pair_widths": [5],
            "heads": 2,
            "blocks": 1,
            "feedforward": 8,
        },
        ["jet"],
    ),
    "particle_transformer, without pairs": (
        {"momenta": {}, "embedding_widths": [8], "heads": 2, "blocks": 1, "feedforward": 8},
        ["tracks"],
    ),
    "principal_components": ({"latent": 2}, ["jet"]),
    "resnet": ({"width": 0.03, "depth": 50}, ["image"]),
    "transformer": ({"width": 8, "heads": 2, "blocks": 1, "feedforward": 8, "widths": [6]}, ["jet", "tracks"]),
    "perceptron": ({"activation": "prelu"}, ["jet"]),
    "decision_stump": ({}, ["jet"]),
}
N_OUTPUTS = {"classification": 3, "regression": 1, "classification_2d": 2, "detection": 2}
N_OUTPUTS["reconstruction"] = 4  # the jet given back
PIXELS = {"convolutional_autoencoder": 2 * 80 * 76}
FAST = "mlp"  # the others take several seconds each


def test_every_architecture_has_its_line():
    assert set(exported()) <= set(SMALL)


def test_a_detector_is_refused_in_one_line():
    from bevatron.export.graph import check_exportable

    check_exportable("mlp", "study/net")
    with pytest.raises(UserError, match=r"study/net: 'faster_rcnn' cannot be written as ONNX: how many") as caught:
        check_exportable("faster_rcnn", "study/net")
    assert "\n" not in str(caught.value)


def samples(groups, n, seed):
    """Inputs of n samples, of which some have empty and some full lists."""
    rng = torch.Generator().manual_seed(seed)
    inputs = {}
    for name in groups:
        group = GROUPS[name]
        values = torch.randn((n, *group.shape), generator=rng) * 3
        if group.is_ragged:
            n_valid = torch.arange(n) % (group.shape[0] + 1)
            values *= (torch.arange(group.shape[0]) < n_valid[:, None])[:, :, None]
            inputs[name] = Padded(values, n_valid)
        else:
            inputs[name] = values
    return inputs


def statistics(groups):
    """Numbers as a manifest has them; no two features are normalised alike."""
    from types import SimpleNamespace as Numbers

    return {
        name: {
            feature: Numbers(mean=0.1 * k, std=1.0 + k, median=0.2 * k, q16=-1.0 - k, q84=1.0 + k)
            for k, feature in enumerate(GROUPS[name].features)
        }
        for name in groups
    }


def small_network(name, n_outputs):
    """With random weights, or fitted to random labels where it is solved for them."""
    options, groups = SMALL[name]
    kind = name.partition(",")[0]
    torch.manual_seed(3)
    inputs = {name: GROUPS[name] for name in groups}
    more = {}
    if "members" in options:
        members = [NetworkSpec({"kind": "mlp", "widths": [3]}, {name: GROUPS[name]}, 3, "robust") for name in groups]
        more = {"members": tuple(members)}
    spec = NetworkSpec({"kind": kind, **options}, inputs, n_outputs, "none" if more else "robust", **more)
    network = Network(spec, statistics(groups)).eval()
    if hasattr(network.architecture, "fit_closed_form"):
        from bevatron.models.closed_form import Labelled

        rows = network.architecture.rows(network.normalise(samples(groups, 400, 2)))
        given_back = "reconstruction" in ARCHITECTURES[kind].TASKS
        split = Labelled(rows, rows if given_back else torch.randint(0, n_outputs, (400,)), torch.ones(400))
        network.architecture.fit_closed_form(split, split, 1, False)
    return network


def exported():
    """Architectures but those that say why they cannot be ONNX."""
    return [kind for kind in ARCHITECTURES.names() if not hasattr(ARCHITECTURES[kind], "NO_ONNX")]


def cases():
    for kind in exported():
        marks = [] if kind == FAST else [pytest.mark.slow]
        for task in getattr(ARCHITECTURES[kind], "TASKS", ("classification", "regression")):
            yield pytest.param(kind, task, marks=marks, id=f"{kind}-{task}")
    for name in SMALL:
        if "," in name:
            yield pytest.param(name, "classification", marks=pytest.mark.slow, id=name)


@pytest.mark.parametrize(("kind", "task"), list(cases()))
def test_onnxruntime_says_what_pytorch_says(kind, task):
    from bevatron.export import agreement, graph

    network, answers = small_network(kind, PIXELS.get(kind, N_OUTPUTS[task])), graph.ANSWERS.get(task, "numbers")
    inputs = network.spec.inputs
    groups = list(inputs)
    plain = graph.Plain(network, answers).eval()
    padded = samples(groups, 150, 1)
    columns = graph.columns_of(inputs, padded)
    ports = graph.input_ports(inputs, columns)
    outputs = graph.output_ports(network, answers)
    model = graph.onnx_model(plain, tuple(c[:4] for c in columns), ports, outputs, kind)
    content = model.SerializeToString()
    found = agreement.measure_agreement(content, plain, columns, ports, outputs, threads=1)
    assert found.samples == 150
    assert found.largest < 1e-5
    assert np.isfinite(found.largest)
    with torch.no_grad():  # evaluation computes on the elements that exist, the ONNX model on padded lists
        torch.testing.assert_close(network(unpad(padded)), network(padded), rtol=1e-5, atol=1e-5)
    assert all(map(torch.equal, graph.columns_of(inputs, unpad(padded)), columns))
    for trace in (b"site-packages", b"stack_trace", __file__.encode()):
        assert trace not in content  # nothing of this machine
    expected = [
        name for group in groups for name in ((group, f"{group}_n_valid") if GROUPS[group].is_ragged else (group,))
    ]
    assert [entry.name for entry in model.graph.input] == expected
    assert all(entry.type.tensor_type.shape.dim[0].dim_param for entry in model.graph.input)


def test_the_same_network_gives_the_same_bytes():
    from bevatron.export import graph

    made = []
    for _ in range(2):
        torch.manual_seed(5)
        network = Network(NetworkSpec({"kind": "mlp", "widths": [4]}, {"jet": JET}, 2, "none")).eval()
        columns = (torch.ones(4, 4),)
        ports = graph.input_ports({"jet": JET}, columns)
        model = graph.onnx_model(
            graph.Plain(network, "classes"), columns, ports, graph.output_ports(network, "classes"), "net"
        )
        made.append(model.SerializeToString(deterministic=True))
    assert made[0] == made[1]


@pytest.mark.parametrize(("outputs", "names"), [("gaussian", ["prediction", "width"]), ("numbers", ["prediction"])])
def test_numbers_of_any_unit_agree_in_their_own_unit(outputs, names):
    """A target of the size 1e-20 is checked as closely as one of the size 1."""
    from types import SimpleNamespace as Number

    from bevatron.export import agreement, graph

    torch.manual_seed(4)
    spec = NetworkSpec({"kind": "mlp", "widths": [4]}, {"jet": JET}, 4, "none", outputs=outputs)
    units = [Number(mean=1000.0, std=20.0), Number(mean=0.0, std=1e-20)] * (1 if outputs == "gaussian" else 2)
    network = Network(spec, None, units).eval()
    columns = (torch.randn(50, 4),)
    plain = graph.Plain(network, "numbers")
    inputs, ports = graph.input_ports({"jet": JET}, columns), graph.output_ports(network, "numbers")
    assert [port.name for port in ports] == names
    content = graph.onnx_model(plain, (columns[0][:4],), inputs, ports, "net").SerializeToString()
    found = agreement.measure_agreement(content, plain, columns, inputs, ports, 1)
    assert 0 <= found.largest < 1e-5
    network.outputs.centre[1] = 1e-22  # as if the file had another centre
    moved = agreement.measure_agreement(content, plain, columns, inputs, ports, 1)
    assert moved.differences["prediction"] > 1e-3
    with pytest.raises(UserError, match="differs from PyTorch's"):
        agreement.check_agreement(moved, "net")


def test_labels_have_probabilities_of_their_own():
    from bevatron.export import agreement, graph

    torch.manual_seed(4)
    network = Network(NetworkSpec({"kind": "mlp", "widths": [4]}, {"jet": JET}, 3, "none")).eval()
    columns = (torch.randn(50, 4),)
    plain = graph.Plain(network, "labels")
    inputs, ports = graph.input_ports({"jet": JET}, columns), graph.output_ports(network, "labels")
    content = graph.onnx_model(plain, (columns[0][:4],), inputs, ports, "net").SerializeToString()
    assert agreement.measure_agreement(content, plain, columns, inputs, ports, 1).largest < 1e-5
    probabilities, logits = plain(*columns)
    torch.testing.assert_close(probabilities, torch.special.expit(logits))
