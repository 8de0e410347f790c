"""Keys of the source `table` that new files must not need, and those that they are read by; a project's own modules."""

import sys

import h5py
import numpy as np
import pytest
from applied import MODELS, SOURCE, assert_same, jets, make, write_root
from project_files import make_project

from bevatron import cli
from bevatron.config.loading import project_modules
from bevatron.config.loading.load import load_workflow
from bevatron.errors import UserError


@pytest.fixture
def odd(tmp_path):
    """A study whose files say the split, of which only the first rows are read, and whose weight and feature shift."""
    columns = jets(1500, 3) | {"kaggle_set": np.arange(1500) % 4}
    files = [write_root(tmp_path / "jets.root", columns)]
    source = {
        **SOURCE,
        "splits": {name: f"kaggle_set == {k}" for k, name in enumerate(("train", "val", "test"))},
        "rows_per_file": 1200,
        "shift": {"w": "2 * w", "pt": "1.01 * pt"},
        "observers": {"row": "entry", "pt": "pt", "both": "entry + w"},
    }
    return make(tmp_path, source, {"mlp": MODELS["mlp"]}, files)


def test_splits_shifts_and_rows_of_files(odd, scores, tmp_path):
    """The file's split leaves no row out and is not needed, nor is a shifted weight; all rows are scored."""
    predictions = odd.predictions("mlp")
    found = scores(odd.model("mlp"), odd.files, seed=0, logits=True)
    assert len(found["entry"]) == 1500
    assert assert_same(predictions, found, 0) == len(predictions) > 50
    pt, eta = jets(1500, 3)["pt"], jets(1500, 3)["eta"]
    np.testing.assert_array_equal(found["passed"], (1.01 * pt.astype("f8") > 30) & (abs(eta) < 2.5))
    np.testing.assert_array_equal(found["row"], np.arange(1500))
    bare = write_root(tmp_path / "bare.root", jets(1500, 3, truth=False))
    without = scores(odd.model("mlp"), [bare], seed=0, logits=True)
    assert found.keys() - without.keys() == {"both"}  # for which there is no weight
    for name, values in without.items():
        np.testing.assert_array_equal(values, found[name])
    with pytest.raises(UserError, match="has no column 'entry'"):
        scores(odd.model("mlp"), [bare], observers=["entry"])


def test_lists_that_are_counted_by_event(tmp_path, scores):
    """An HDF5 table of events beside one of their tracks."""

    def write(path, n, seed, truth):
        draw = np.random.default_rng(seed)
        lengths = draw.poisson(4, n)
        with h5py.File(path, "w") as file:
            file["event/energy"] = draw.exponential(size=n).astype("f4")
            file["track/d0"] = draw.normal(size=lengths.sum()).astype("f4")
            file["track/n"] = lengths
            if truth:
                file["event/flav"] = draw.choice([0, 5], n)
        return path

    files = [write(tmp_path / "train.h5", 800, 1, True)]
    source = {
        "kind": "table", "tree": "event", "lists": {"track": "n"},
        "groups": {"tracks": {"layout": "list", "features": {"d0": "track.d0"}, "max_length": 30}},
        "targets": {"flavour": SOURCE["targets"]["flavour"]},
    }  # fmt: skip
    model = {**MODELS["deep_sets"], "inputs": ["tracks"]}
    made = make(tmp_path, source, {"deep_sets": model}, files)
    predictions = made.predictions("deep_sets")
    found = scores(made.model("deep_sets"), files, seed=1, logits=True)
    assert assert_same(predictions, found, 1) == len(predictions) > 300
    other = scores(made.model("deep_sets"), [write(tmp_path / "new.h5", 800, 1, False)], seed=1, logits=True)
    for name, values in found.items():
        np.testing.assert_array_equal(other[name], values)


def test_images_that_are_cropped_and_averaged(tmp_path, scores):
    draw = np.random.default_rng(1)
    with h5py.File(tmp_path / "images.h5", "w") as file:
        file["towers"] = draw.exponential(size=(400, 20, 20)).astype("f4")
        file["flav"] = draw.choice([0, 5], 400)
    source = {
        "kind": "table",
        "groups": {"towers": {"layout": "image", "column": "towers", "crop": 16, "averaged": 2}},
        "targets": {"flavour": SOURCE["targets"]["flavour"]},
    }
    made = make(tmp_path, source, {"convolutional": MODELS["convolutional"]}, [tmp_path / "images.h5"])
    predictions = made.predictions("convolutional")
    found = scores(made.model("convolutional"), made.files, seed=0, logits=True)
    assert assert_same(predictions, found, 0) == len(predictions) > 150


def test_a_project_s_own_architecture(tmp_path, monkeypatch, capsys):
    """Its modules are found where the project's configuration is; elsewhere that is said in a line."""
    project = make_project(tmp_path / "project")
    files = [write_root(tmp_path / "jets.root", jets(300, 1))]
    groups = {"jet": {"features": {"pt": "pt", "eta": "eta"}}}
    own = {"title": "own", "inputs": ["jet"], "architecture": {"kind": "linear"}}
    load_workflow(project / "config" / "config.yaml")
    made = make(tmp_path, SOURCE | {"groups": groups, "missing": {}}, {"own": own}, files)
    project_modules.use_modules(None)
    command = ["bevatron", "apply", str(made.model("own")), str(files[0]), "--output", str(tmp_path / "scores.csv")]

    def run(*more: str) -> tuple[int, list[str]]:
        monkeypatch.setattr(sys, "argv", [*command, *more])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("bevatron: ")]
        project_modules.use_modules(None)
        return ended.value.code or 0, lines

    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    code, lines = run()
    assert (code, len(lines)) == (2, 1)
    assert "it has the architecture 'linear'; use the project in which it was trained" in lines[0]
    assert not (tmp_path / "scores.csv").exists()
    assert run("--config", str(project / "config" / "config.yaml"))[0] == 0
    monkeypatch.chdir(project)
    assert run("--overwrite")[0] == 0
    layers = project / "modules" / "layers.py"
    layers.write_text(layers.read_text().replace("nn.Linear(n, m)", "nn.Linear(n, m, True)"))
    code, lines = run("--overwrite")
    assert (code, len(lines)) == (2, 1)
    assert "layers.py of the project's modules differs" in lines[0]
