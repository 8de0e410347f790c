"""Files of models and runs that somebody else has put there run nothing and end in one clear line."""

import json
import os
import resource
import time
from pathlib import Path

import pytest
import torch
import yaml

from bevatron.config.loading.identity import run_digest
from bevatron.config.sections.workflow import DataLoading
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_text, sha256_of
from bevatron.store.shards.dataset import load_dataset
from bevatron.training.checkpoint import checksum_path
from bevatron.training.reading_order import training_order


class Bomb:
    """Unpickled, it leaves a file: the proof that a command ran."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return (os.system, (f"touch {self.marker}",))


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "owned"


def train(curve) -> tuple[str, ...]:
    return ("train", "curve", "net", "--manifest", str(curve.manifest), "--output", "out/net")


def evaluate(curve) -> tuple[str, ...]:
    return ("evaluate", "curve", "net", "--manifest", str(curve.manifest), "--runs", "out/net/runs.json",
            "--output", "evaluation")  # fmt: skip


def test_the_bomb_goes_off_where_pickles_are_loaded(tmp_path, marker):
    torch.save(Bomb(marker), tmp_path / "bomb.pt")
    torch.load(tmp_path / "bomb.pt", weights_only=False)
    assert marker.exists()


def test_a_malicious_checkpoint_with_a_right_checksum_is_refused_and_runs_nothing(
    curve, place, refused, bevatron, marker
):
    model, dataset = curve.study.models["net"], load_dataset(curve.manifest)
    order = training_order(curve.study, model, dataset, DataLoading())
    digest = run_digest(curve.study, model, dataset.manifest.sha256, 0, order)
    path = place / "runs" / digest[:20] / "chunk-000000001.ckpt"
    path.parent.mkdir(parents=True)
    torch.save({"epoch": 0, "state_dict": {}, "callbacks": Bomb(marker)}, path)
    publish_text(checksum_path(path), sha256_of(path) + "\n")
    refused(bevatron(*train(curve)), str(path), "is no checkpoint of Bevatron's", "remove it")
    assert not marker.exists()
    assert not (place / "out" / "net" / "runs.json").exists()


def plant(trained: Path, file: str) -> None:
    """Make runs.json vouch for the file as it is now."""
    path = trained / "runs.json"
    tree = json.loads(path.read_text())
    tree["runs"][0]["files"][file] = sha256_of(trained / "seed-0" / file)
    path.write_text(json.dumps(with_checksum(tree)))


def test_malicious_weights_with_a_right_checksum_are_refused_and_run_nothing(curve, trained, refused, bevatron, marker):
    path = trained / "seed-0" / "weights.safetensors"
    torch.save({"weights": Bomb(marker)}, path)
    plant(trained, path.name)
    refused(bevatron(*evaluate(curve)), "weights.safetensors", "does not hold this network's weights")
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["os", "../../../evil", "posix.system", "evil"])
def test_a_model_s_description_cannot_name_foreign_code(curve, trained, refused, bevatron, marker, kind):
    (trained.parent.parent / "evil.py").write_text(f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n")
    path = trained / "seed-0" / "model.json"
    tree = json.loads(path.read_text())
    tree["network"]["architecture"]["kind"] = kind
    path.write_text(json.dumps(tree))
    plant(trained, path.name)
    refused(bevatron(*evaluate(curve)), "model.json", "is no description of a network")
    assert not marker.exists()


SIZES = {"wide": [30_000, 30_000], "beyond any memory": [10**9, 10**9], "deep": [16] * 200_000}


@pytest.mark.parametrize("widths", SIZES.values(), ids=SIZES)
def test_a_model_s_description_cannot_ask_for_more_than_its_weights(curve, trained, refused, bevatron, widths):
    path = trained / "seed-0" / "model.json"
    tree = json.loads(path.read_text())
    tree["network"]["architecture"]["widths"] = widths
    path.write_text(json.dumps(tree))
    plant(trained, path.name)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    refused(bevatron(*evaluate(curve)), "model.json", "is no description of a network")
    assert time.monotonic() - started < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB


def test_a_search_s_result_cannot_build_objects(curve, place, refused, bevatron, marker):
    path = place / "config" / "studies" / "curve.yaml"
    tree = yaml.safe_load(path.read_text())
    space = {"training.learning_rate": {"kind": "uniform", "low": 0.01, "high": 0.1}}
    tree["models"]["net"]["search"] = {"space": space, "trials": 1, "epochs": 1}
    path.write_text(yaml.safe_dump(tree))
    best = place / "best.yaml"
    best.write_text(f"values: !!python/object/apply:os.system ['touch {marker}']\n")
    refused(bevatron(*train(curve), "--best", str(best)), "best.yaml", "is not YAML")
    assert not marker.exists()
