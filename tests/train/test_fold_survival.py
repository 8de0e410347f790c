"""A training of one fold that is killed goes on to the same bits, and the other folds are left as they are."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from folded_datasets import Folded

from bevatron.config.loading.load import load_study
from bevatron.config.sections.workflow import Workflow
from bevatron.store.records.runs import read_runs
from bevatron.train.stage import train_model

TRAINING = {"epochs": 300, "batch_size": 50, "learning_rate": 0.01, "validate_every": 5, "checkpoint_seconds": 0.02}


def train(study, folded: Folded, fold: int, place: Path) -> bytes:
    """The weights of seed 0 of the fold, trained in `place` in this process."""
    workflow = Workflow(studies=["folded"], accelerator="cpu", runs_dir=str(place / "runs"))
    output = place / f"fold-{fold}"
    train_model(study, workflow, "net", folded.dataset / f"manifest-fold-{fold}.json", None, output)
    return (output / "seed-0" / "weights.safetensors").read_bytes()


@pytest.mark.slow
def test_a_killed_fold_ends_with_the_same_bits(folded, tmp_path):
    tree = folded.study.model_dump(mode="json") | {"n_seeds": 1}
    tree["models"] = {"net": tree["models"]["net"] | {"training": TRAINING}}
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("studies: [folded]\naccelerator: cpu\n")
    (tmp_path / "config" / "studies" / "folded.yaml").write_text(yaml.safe_dump(tree))
    study = load_study("folded", "demo", tmp_path / "config" / "studies")
    straight, other = (train(study, folded, fold, tmp_path / "straight") for fold in (1, 2))
    assert straight != other

    place = tmp_path / "killed"
    place.mkdir()
    command = [
        sys.executable, "-m", "bevatron.cli", "train", "folded", "net", "--config", "../config/config.yaml",
        "--manifest", str(folded.dataset / "manifest-fold-1.json"), "--output", "fold-1",
    ]  # fmt: skip
    with (place / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=place, stdout=log, stderr=log)
    written = (place / "runs").glob
    while process.poll() is None and not any(int(p.stem[6:]) > 3 for p in written("*/chunk-*.ckpt")):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, (place / "log").read_text()
    assert not (place / "fold-1" / "runs.json").exists()

    assert train(study, folded, 2, place) == other  # another fold does not take the killed one's state
    assert train(study, folded, 1, place) == straight
    (run,) = read_runs(place / "fold-1" / "runs.json", "folded", "net").runs
    assert (run.continued, run.fold) == (1, 1)
