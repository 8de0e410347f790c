"""Scores from exported files: without PyTorch, and near those of PyTorch."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import uproot
from applied import MODELS, SOURCE, jets, make_folds, write_root

from bevatron.apply.onnx_networks import pad
from bevatron.apply.stage import apply_model
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.export.agreement import TOLERANCE
from bevatron.export.stage import export_model
from bevatron.store.shards.columns import Ragged

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@pytest.fixture(scope="module")
def exported(made, tmp_path_factory):
    """The network over lists, exported."""
    folder = tmp_path_factory.mktemp("export") / "deep_sets"
    workflow = Workflow(studies=["applied"], accelerator="cpu")
    runs = made.model("deep_sets") / "runs.json"
    export_model(made.study, workflow, "deep_sets", made.manifest, runs, folder)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_root(tmp_path_factory.mktemp("data") / "data.root", jets(700, 7, truth=False))


def test_without_pytorch_and_near_it(exported, data, made, scores, tmp_path):
    output = tmp_path / "by-onnx.root"
    program = (
        "import sys; from bevatron.cli import app\n"
        f"arguments = ['apply', {str(exported)!r}, {str(data)!r}, '--output', {str(output)!r}, '--logits']\n"
        "app(arguments, standalone_mode=False)\n"
        "assert 'onnxruntime' in sys.modules and 'torch' not in sys.modules, 'torch was imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    expected = scores(made.model("deep_sets"), [data], logits=True)
    with uproot.open(output) as file:
        found = file["scores"].arrays(library="np")
    assert list(found) == list(expected)
    for name, values in expected.items():
        if name.startswith(("p_", "logit_")):
            size = np.maximum(1, abs(values))
            assert np.nanmax(abs(found[name] - values) / size) < TOLERANCE
            np.testing.assert_array_equal(np.isnan(found[name]), np.isnan(values))
        else:
            np.testing.assert_array_equal(found[name], values)


def test_one_file_is_enough(exported, data, scores, tmp_path):
    shutil.copy(exported / "seed-1.onnx", tmp_path / "tagger.onnx")
    found, expected = scores(tmp_path / "tagger.onnx", [data]), scores(exported, [data], seed=1)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_files_that_are_no_models_of_bevatron(exported, data, tmp_path):
    import onnx

    folder = shutil.copytree(exported, tmp_path / "export")
    whole = (folder / "seed-0.onnx").read_bytes()
    (folder / "seed-0.onnx").write_bytes(whole[:-9])
    for path, match in (
        (folder, "does not match its SHA-256"),
        (folder / "seed-0.onnx", "is no ONNX file that can be"),
    ):
        with pytest.raises(UserError, match=match) as caught:
            apply_model(path, [data], tmp_path / "scores.root")
        assert "\n" not in str(caught.value)
    proto = onnx.load_from_string(whole)
    for prop in proto.metadata_props:
        if prop.key == "bevatron.preprocessing":
            prop.value = prop.value.replace("2.5", "3.5")
    (tmp_path / "other.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(UserError, match="does not match its own digest"):
        apply_model(tmp_path / "other.onnx", [data], tmp_path / "scores.root")
    del proto.metadata_props[:]
    (tmp_path / "other.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(UserError, match="does not say how files become its inputs"):
        apply_model(tmp_path / "other.onnx", [data], tmp_path / "scores.root")
    assert not (tmp_path / "scores.root").exists()


def test_lists_are_padded_with_zeros():
    lists = Ragged(np.array([[1, 2], [3, 4], [5, 6]], np.float32), np.array([0, 0, 2, 3]))
    expected = np.zeros((3, 4, 2), np.float32)
    expected[1, :2], expected[2, 0] = [[1, 2], [3, 4]], [5, 6]
    np.testing.assert_array_equal(pad(lists, 4), expected)


def test_exported_folds(tmp_path, scores):
    """Each event by its own fold's files, which say of which fold they are; what is mixed up is refused."""
    files = [write_root(tmp_path / "jets.root", jets(300, 1))]
    made = make_folds(tmp_path, SOURCE, {"mlp": MODELS["mlp"]}, files, k=2)
    folder, workflow = tmp_path / "export" / "mlp", Workflow(studies=["applied"], accelerator="cpu")
    for fold in range(2):
        manifest = made.manifest.parent / f"manifest-fold-{fold}.json"
        runs = made.model("mlp") / f"fold-{fold}" / "runs.json"
        export_model(made.study, workflow, "mlp", manifest, runs, folder / f"fold-{fold}")
    for options in ({}, {"all_folds": True}, {"seed": 1}):
        found, expected = scores(folder, files, **options), scores(made.model("mlp"), files, **options)
        assert list(found) == list(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name], values, rtol=TOLERANCE, atol=TOLERANCE)
    shutil.move(folder / "fold-1", tmp_path / "fold-1")
    with pytest.raises(
        UserError, match=r"fold-1/export\.json: is missing.*run `bevatron export applied mlp` for fold 1"
    ):
        apply_model(folder, files, tmp_path / "out.root")
    shutil.copytree(folder / "fold-0", folder / "fold-1")
    with pytest.raises(UserError, match="fold-1: is of fold 0"):
        apply_model(folder, files, tmp_path / "out.root")
    assert not (tmp_path / "out.root").exists()
