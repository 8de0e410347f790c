"""What the train stage publishes, and what it refuses."""

import hashlib
import json

import pytest
import yaml

from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.models.network import load_network
from bevatron.train.stage import train_model, with_search_result


@pytest.fixture
def workflow(tmp_path):
    return Workflow(studies=["curve"], runs_dir=str(tmp_path / "runs"), accelerator="cpu")


def test_all_seeds_are_published_with_their_checksums(curve, workflow, tmp_path):
    train_model(curve.study, workflow, "net", curve.manifest, None, tmp_path / "out")
    index = json.loads((tmp_path / "out" / "runs.json").read_text())
    assert [run["seed"] for run in index["runs"]] == [0, 1]
    assert index["manifest_sha256"] == json.loads(curve.manifest.read_text())["sha256"]
    for run in index["runs"]:
        folder = tmp_path / "out" / run["folder"]
        assert sorted(p.name for p in folder.iterdir()) == sorted(run["files"])
        for name, sha256 in run["files"].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256
        assert load_network(folder).n_weights == run["n_weights"] == 1 * 16 + 16 + 16 + 1


def test_training_again_gives_the_same_bytes_without_fitting(curve, workflow, tmp_path):
    train_model(curve.study, workflow, "net", curve.manifest, None, tmp_path / "one")
    train_model(curve.study, workflow, "net", curve.manifest, None, tmp_path / "two")
    assert (tmp_path / "one" / "runs.json").read_bytes() == (tmp_path / "two" / "runs.json").read_bytes()


@pytest.fixture
def searched(curve):
    space = {"training.learning_rate": {"kind": "log_uniform", "low": 0.001, "high": 0.1}}
    tree = curve.study.models["net"].model_dump(mode="json") | {"search": {"space": space, "epochs": 6}}
    return type(curve.study.models["net"]).model_validate(tree)


def test_the_search_result_is_put_in(searched, tmp_path):
    best = tmp_path / "best.yaml"
    best.write_text(yaml.safe_dump({"values": {"training.learning_rate": 0.05}}))
    assert with_search_result(searched, best).training.learning_rate == 0.05


@pytest.mark.parametrize("text", ["values: {training.rate: 1}\n", "nothing: here\n", "values: [\n"])
def test_a_file_that_is_no_search_result_is_refused_by_name(searched, tmp_path, text):
    best = tmp_path / "best.yaml"
    best.write_text(text)
    with pytest.raises(UserError, match=r"best\.yaml.*: is (no result of (this model's|a) search|not YAML)"):
        with_search_result(searched, best)


def test_a_run_that_diverges_is_one_line(curve, workflow, tmp_path):
    values = {"training.optimiser": "sgd", "training.learning_rate": 1e6, "normalise": "none"}
    wild = curve.study.model_copy(update={"models": {"net": curve.study.models["net"].with_values(values)}})
    with pytest.raises(UserError, match=r"curve/net seed 0: the .* loss is .*; lower training.learning_rate"):
        train_model(wild, workflow, "net", curve.manifest, None, tmp_path / "out")
    assert not (tmp_path / "out" / "runs.json").exists()
