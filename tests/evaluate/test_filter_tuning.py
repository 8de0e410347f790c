"""Orientation selectivity of filters whose tuning is known, and of networks before and after a training."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bevatron.errors import UserError
from bevatron.evaluate.inspection import layers as inspection
from bevatron.evaluate.inspection.filter_tuning import (
    ANGLES,
    KINDS,
    measure_filter_tuning,
    responses,
    selectivity,
    stimuli,
)
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.network import NetworkSpec, draw_network, weights_bytes
from bevatron.store.files.publish import publish_json


def oriented(angle, side=7, odd=False):
    """A Gabor-like filter (side, side) of lines, or, if odd, of edges; angle counter-clockwise from horizontal."""
    row, column = np.mgrid[:side, :side] - (side - 1) / 2
    across = np.cos(np.deg2rad(angle)) * -row - np.sin(np.deg2rad(angle)) * column
    along = np.sin(np.deg2rad(angle)) * -row + np.cos(np.deg2rad(angle)) * column
    wave = np.sin if odd else np.cos
    return wave(1.3 * across) * np.exp(-(across**2 + along**2) / 8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("angle", [0.0, 30.0, 45.0, 90.0, 120.0])
def test_a_filter_prefers_its_own_orientation(kind, angle):
    response = responses(oriented(angle, odd=kind == "edges")[None, None], kind)[0]
    difference = abs(ANGLES[response.argmax()] - angle)
    assert min(difference, 180 - difference) <= 7.5
    assert selectivity(response) > 0.4


@pytest.mark.parametrize("kind", KINDS)
def test_a_filter_that_is_turned_has_its_tuning_turned(kind):
    filters = np.random.default_rng(1).standard_normal((20, 2, 5, 5))
    response = responses(filters, kind)
    turned = responses(np.rot90(filters, axes=(-2, -1)), kind)  # counter-clockwise
    np.testing.assert_allclose(turned, np.roll(response, len(ANGLES) // 2, axis=1), atol=1e-9)
    mirrored = responses(filters[..., ::-1], kind)
    np.testing.assert_allclose(mirrored[:, 1:], response[:, :0:-1], atol=1e-9)
    np.testing.assert_allclose(selectivity(turned), selectivity(response))
    np.testing.assert_allclose(selectivity(3 * response), selectivity(response))


def test_selectivity_of_known_curves():
    """Of 1 + a cos 2θ it is a / 2, of a single orientation 1, of none 0."""
    theta = np.deg2rad(ANGLES)
    curves = np.array([1 + 0.6 * np.cos(2 * theta - 1.0), np.ones(len(theta)), np.zeros(len(theta))])
    np.testing.assert_allclose(selectivity(curves), [0.3, 0.0, 0.0], atol=1e-12)
    assert selectivity(np.eye(len(theta))[3]) == pytest.approx(1.0)


def test_a_round_spot_sees_all_orientations_alike_and_a_dark_one_none():
    row, column = np.mgrid[:7, :7] - 3
    spot = np.exp(-(row**2 + column**2) / 4)[None, None]
    assert selectivity(responses(spot, "lines"))[0] < 0.02
    assert (responses(-spot, "lines") == 0).all()
    assert responses(np.ones((1, 1, 7, 7)), "edges")[0].min() > 0  # an edge off the centre is mostly bright


def test_lines_and_edges_are_where_they_should_be():
    lines, edges = stimuli(5, "lines"), stimuli(5, "edges")
    horizontal = lines[0]
    np.testing.assert_allclose(horizontal, np.broadcast_to(horizontal[..., :1], horizontal.shape), atol=1e-12)
    assert sorted({int(k) for k in horizontal[..., 0].argmax(1)}) == [0, 1, 2, 3, 4]  # all rows are scanned
    assert lines.min() >= 0
    assert lines.max() == pytest.approx(1.0)
    assert np.abs(edges).max() <= 0.5
    middle = edges[0, edges.shape[1] // 2, :, 0]
    np.testing.assert_allclose(middle, -middle[::-1], atol=1e-12)


SPEC = NetworkSpec(
    {"kind": "lenet", "channels": [6, 4], "kernel": 3}, {"a": InputGroup((2, 12, 12), ("c", "d"))}, 4, "none"
)


def saved(folder, network):
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(weights_bytes(network))
    publish_json(folder / "model.json", {"network": network.spec.as_payload()})
    return folder


def measured(*folders, name="cnn"):
    context = SimpleNamespace(folders=folders, seeds=tuple(range(len(folders))), model_name=name, confidence=0.68)
    return measure_filter_tuning(context, Bootstrap(np.arange(20), 30, "m"))


def test_networks_as_drawn_are_their_own_reference(tmp_path):
    folders = [saved(tmp_path / f"seed-{seed}", draw_network(SPEC, seed)) for seed in range(2)]
    metrics, curves = measured(*folders)
    for kind in KINDS:
        trained, initial, random = (
            metrics[f"{name}_selectivity.{kind}"] for name in ("orientation", "initial", "random")
        )
        assert trained.per_seed == initial.per_seed
        assert len(set(trained.per_seed)) == 2
        assert len(set(random.per_seed)) == 1
        assert curves[kind]["trained"] == curves[kind]["initial"]
        assert np.shape(curves[kind]["trained"]) == (6, len(ANGLES))
    assert np.shape(curves["filters"]) == (6, 3, 3)


def test_trained_filters_are_measured_and_initial_ones_stay(tmp_path):
    network = draw_network(SPEC, 0)
    with torch.no_grad():
        first = next(m for m in network.modules() if isinstance(m, torch.nn.Conv2d))
        first.weight.copy_(torch.from_numpy(np.broadcast_to(oriented(90, side=3), first.weight.shape).copy()))
    metrics, curves = measured(saved(tmp_path / "seed-0", network))
    untouched, _ = measured(saved(tmp_path / "again", draw_network(SPEC, 0)))
    for kind in KINDS:
        assert metrics[f"initial_selectivity.{kind}"].value == untouched[f"orientation_selectivity.{kind}"].value
    assert ANGLES[np.argmax(curves["lines"]["trained"][0])] == 90


def test_a_network_without_filters_is_named(tmp_path):
    spec = NetworkSpec({"kind": "mlp", "widths": []}, {"a": InputGroup((3,), ("x", "y", "z"))}, 2, "none")
    with pytest.raises(UserError, match="the model 'dense' has no convolution"):
        measured(saved(tmp_path / "seed-0", draw_network(spec, 0)), name="dense")


def test_layers_of_alexnet_are_all_shown_in_their_order(tmp_path, monkeypatch):
    """Beside a bare loop over the network's layers."""
    architecture = {"kind": "alexnet", "width": 0.0625, "stride": 1}
    network = draw_network(NetworkSpec(architecture, {"a": InputGroup((1, 30, 30), ("c",))}, 4, "none"), 3)
    folder = saved(tmp_path / "seed-0", network)
    image = np.random.default_rng(4).random((1, 30, 30))
    monkeypatch.setattr(inspection, "TestColumns", lambda dataset: SimpleNamespace(images=lambda group, rows: [image]))
    model = SimpleNamespace(inputs=["a"])
    found = inspection.inspect_layers(SimpleNamespace(folders=[folder], model=model, dataset=None))
    x, expected = torch.from_numpy(image.astype(np.float32))[None], []
    with torch.no_grad():
        for layer in network.eval().architecture.features:
            x = layer(x)
            if isinstance(layer, torch.nn.Conv2d | torch.nn.MaxPool2d):
                expected.append(x[0].numpy())
    assert len(found["layers"]) == len(expected) == 8
    assert [layer["name"] for layer in found["layers"]] == [
        "convolution 1", "pool behind convolution 1", "convolution 2", "pool behind convolution 2", "convolution 3",
        "convolution 4", "convolution 5", "pool behind convolution 5",
    ]  # fmt: skip
    for layer, maps in zip(found["layers"], expected, strict=True):
        assert layer["channels"] == len(maps)
        np.testing.assert_allclose(layer["maps"], maps[:8], rtol=5e-3, atol=1e-6)
    assert np.shape(found["filters"]) == (4, 11, 11)
