"""On the events of the test, scores are those of predictions.h5 to the last bit, whatever they are scored with."""

import h5py
import numpy as np
import pytest
import torch
from applied import MODELS, SOURCE, assert_same, jets, make, write_root

from bevatron.apply.stage import apply_model
from bevatron.compute.numerics.devices import deterministic
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.layers.wide_linear import WideLinear, widen_layers
from bevatron.models.network import Network, NetworkSpec
from bevatron.store.readers.batch import RaggedBatch, select_lists
from bevatron.training.full_batches import FullBatches

JET, TRACKS = InputGroup((4,), ("pt", "eta", "mass", "energy")), InputGroup((40, 3), ("d0", "z0", "phi"), True)
IMAGE = InputGroup((1, 12, 12), ("energy",))


@pytest.mark.parametrize("model", ["mlp", "deep_sets", "transformer", "lstm"])
def test_scores_of_the_files_are_the_predictions(model, made, scores):
    predictions = made.predictions(model)
    assert len(predictions) > 500
    together = scores(made.model(model), made.files, seed=1, logits=True)
    assert assert_same(predictions, together, 1) == len(predictions)
    one_by_one = [scores(made.model(model) / "seed-0", [file], logits=True) for file in made.files]
    assert sum(assert_same(predictions, found, 0, k) for k, found in enumerate(one_by_one)) == len(predictions)
    assert len(together["entry"]) == 3000
    for name in together.keys() - {"file", "entry"}:  # but for the seed
        assert np.concatenate([found[name] for found in one_by_one]).dtype == together[name].dtype


def test_a_selection_of_its_own_for_the_test(tmp_path, scores):
    """Events that only the test's selection takes are scored, those that only the training's takes are not."""
    files = [write_root(tmp_path / "jets.root", jets(1500, 3))]
    source = {**SOURCE, "selection": "pt > 40", "test_selection": "(pt > 30) & (pt < 100)", "missing": {
        "all": {"policy": "constant", "values": [-999]}}}  # fmt: skip
    made = make(tmp_path, source, {"mlp": MODELS["mlp"]}, files)
    found = scores(made.model("mlp"), files, seed=0, logits=True)
    pt = jets(1500, 3)["pt"]
    np.testing.assert_array_equal(found["passed"], (pt > 30) & (pt < 100))
    np.testing.assert_array_equal(np.isnan(found["p_heavy"]), ~found["passed"])
    predictions = made.predictions("mlp")
    assert assert_same(predictions, found, 0) == len(predictions) > 200


def test_images(tmp_path):
    """A network over images from an HDF5 file; scores as HDF5."""
    draw = np.random.default_rng(1)
    with h5py.File(tmp_path / "images.h5", "w") as file:
        file["towers"] = draw.exponential(size=(400, 12, 12)).astype("f4")
        file["flav"] = draw.choice([0, 5], 400)
    source = {
        "kind": "table",
        "groups": {"towers": {"layout": "image", "column": "towers"}},
        "targets": {"flavour": SOURCE["targets"]["flavour"]},
    }
    made = make(tmp_path, source, {"convolutional": MODELS["convolutional"]}, [tmp_path / "images.h5"])
    output = tmp_path / "scores.h5"
    apply_model(made.model("convolutional"), made.files, output, seed=1, logits=True)
    with h5py.File(output) as file:
        columns = {name: file[name][...] for name in file}
    assert assert_same(made.predictions("convolutional"), columns, 1) > 150


def inputs_of(groups: dict[str, InputGroup], n: int) -> dict:
    rng = torch.Generator().manual_seed(1)
    inputs = {}
    for name, group in groups.items():
        if group.is_ragged:
            lengths = torch.poisson(torch.full((n,), 9.0), generator=rng).long().clamp(max=group.shape[0])
            inputs[name] = RaggedBatch(torch.randn((int(lengths.sum()), group.shape[1]), generator=rng), lengths)
        else:
            inputs[name] = torch.randn((n, *group.shape), generator=rng)
    return inputs


def select(inputs: dict, rows: torch.Tensor) -> dict:
    return {k: select_lists(v, rows) if isinstance(v, RaggedBatch) else v[rows] for k, v in inputs.items()}


NETWORKS = [
    ("mlp", {"widths": [64, 50], "activation": "gelu"}, {"jet": JET, "tracks": TRACKS}),
    ("mlp", {"widths": [7, 5]}, {"jet": JET}),
    ("perceptron", {}, {"jet": JET}),
    ("fisher", {}, {"jet": JET, "tracks": TRACKS}),
    ("deep_sets", {"element_widths": [32, 32], "widths": [32]}, {"jet": JET, "tracks": TRACKS}),
    ("deep_sets", {"element_widths": [5, 4], "widths": [6]}, {"jet": JET, "tracks": TRACKS}),
    ("transformer", {"width": 32, "heads": 4, "blocks": 2, "feedforward": 64}, {"jet": JET, "tracks": TRACKS}),
    ("transformer", {"width": 8, "heads": 2, "blocks": 1, "feedforward": 8, "widths": [6]}, {"tracks": TRACKS}),
    ("lstm", {"state": 25, "layers": 2}, {"jet": JET, "tracks": TRACKS}),
    (
        "gn2",
        {"width": 32, "heads": 4, "blocks": 2, "feedforward": 64, "output_width": 5},
        {"jet": JET, "tracks": TRACKS},
    ),
    ("particle_net", {"coordinates": ["phi"], "neighbours": 5, "convolutions": [[7, 32], [64]]}, {"tracks": TRACKS}),
    ("particle_net", {"coordinates": ["phi"], "neighbours": 50, "convolutions": [[32, 7]]}, {"tracks": TRACKS}),
    (
        "particle_transformer",
        {
            "momenta": {"log_pt": "d0", "eta": "z0", "phi": "phi"},
            "embedding_widths": [32, 32],
            "pair_widths": [16, 5],
            "heads": 4,
            "blocks": 2,
            "class_blocks": 1,
            "feedforward": 64,
        },
        {"jet": JET, "tracks": TRACKS},
    ),
    ("outer_convolution", {"width": 20, "widths": [6]}, {"jet": JET, "tracks": TRACKS}),
    ("outer_convolution", {"width": 5, "window": 5, "summary": 7}, {"jet": JET, "tracks": TRACKS}),
    ("outer_fold", {"width": 5, "widths": [6]}, {"jet": JET, "tracks": TRACKS}),
    ("convolutional", {"channels": [8, 8]}, {"image": IMAGE}),
    ("resnet", {"width": 0.1}, {"image": IMAGE}),
]


def network_of(kind: str, options: dict, groups: dict[str, InputGroup]) -> Network:
    """With random weights, and inputs that are normalised."""
    torch.manual_seed(2)
    network = Network(NetworkSpec({"kind": kind, **options}, groups, 3, "robust")).eval()
    for name, buffer in network.named_buffers():
        if "normalise" in name and name.endswith("_scale"):
            buffer.fill_(1.5)
        elif kind == "fisher" and not name.startswith("normalise"):
            buffer.normal_()
    return widen_layers(network)


def outputs_of(network: Network, groups: dict, inputs: dict, rows: torch.Tensor) -> torch.Tensor:
    """Of these samples, batch after batch, as evaluate and apply do it."""
    complete = FullBatches(groups)
    batches = rows.split(complete.rows)
    return torch.cat([network(complete(select(inputs, batch)))[: len(batch)] for batch in batches])


@pytest.mark.parametrize(("kind", "options", "groups"), NETWORKS)
def test_what_is_said_of_a_sample_depends_on_no_other(kind, options, groups):
    """Any samples, in any order and number: each gets the bits that it gets in its own batch of the whole."""
    network, n = network_of(kind, options, groups), 300 if "image" in groups else 4000
    inputs, rng = inputs_of(groups, n), torch.Generator().manual_seed(3)
    with deterministic(1), torch.inference_mode():
        whole = outputs_of(network, groups, inputs, torch.arange(n))
        assert whole.std() > 0
        for size in (n, n // 3, 65, 1):
            rows = torch.randperm(n, generator=rng)[:size]
            assert torch.equal(outputs_of(network, groups, inputs, rows), whole[rows]), size


def test_layers_of_few_outputs_are_computed_wider_and_are_the_same():
    network = network_of("mlp", {"widths": [7, 5]}, {"jet": JET})
    inputs = inputs_of({"jet": JET}, 100)
    torch.manual_seed(2)
    plain = Network(NetworkSpec({"kind": "mlp", "widths": [7, 5]}, {"jet": JET}, 3, "robust")).eval()
    plain.load_state_dict(network.state_dict())
    assert any(isinstance(module, WideLinear) for module in network.modules())
    with torch.inference_mode():
        torch.testing.assert_close(network(inputs), plain(inputs), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["transformer", "lstm"])
def test_with_several_threads_lists_agree_to_a_few_units_of_the_last_place(kind):
    groups, options = {"jet": JET, "tracks": TRACKS}, {"width": 32, "heads": 4} if kind == "transformer" else {}
    network, inputs = network_of(kind, options, groups), inputs_of(groups, 3000)
    rows = torch.randperm(3000, generator=torch.Generator().manual_seed(1))[:900]
    with deterministic(2), torch.inference_mode():
        whole = outputs_of(network, groups, inputs, torch.arange(3000))
        part = outputs_of(network, groups, inputs, rows)
    assert float((part - whole[rows]).abs().max() / whole.abs().max()) < 16 * torch.finfo(torch.float32).eps
