"""A run killed with SIGKILL at any moment continues and ends with the same bits as one that was never killed."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

CONFIG = "studies: [curve]\n"
SETTINGS = {
    "training": {
        "epochs": 120,
        "batch_size": 50,
        "learning_rate": 0.01,
        "validate_every": 5,
        "checkpoint_seconds": 0.02,
        "early_stopping": {"patience": 100},
    },
}


@pytest.fixture
def workplace(curve, tmp_path):
    """A folder to run `bevatron train` in, as a job would."""
    tree = curve.study.model_dump(mode="json")
    tree["n_seeds"] = 1
    tree["models"]["net"] |= SETTINGS
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text(CONFIG)
    (tmp_path / "config" / "studies" / "curve.yaml").write_text(yaml.safe_dump(tree))

    def start(name: str) -> subprocess.Popen:
        place = tmp_path / name
        place.mkdir(exist_ok=True)
        (place / "log").touch()
        command = [
            sys.executable, "-m", "bevatron.cli", "train", "curve", "net", "--config", "../config/config.yaml",
            "--manifest", str(curve.manifest), "--output", "out",
        ]  # fmt: skip
        with (place / "log").open("a") as log:
            return subprocess.Popen(command, cwd=place, stdout=log, stderr=log)

    start.root = tmp_path
    return start


def weights(root: Path) -> bytes:
    return (root / "out" / "seed-0" / "weights.safetensors").read_bytes()


def history(root: Path) -> list[str]:
    lines = (root / "out" / "seed-0" / "history.csv").read_text().splitlines()
    return [line.rsplit(",", 2)[0] for line in lines]  # the last two columns are times


def wait_for_checkpoint(root: Path, process: subprocess.Popen, beyond: int) -> int:
    """Block number of the first checkpoint after `beyond`; the highest there is once the process has ended."""
    while True:
        blocks = [int(p.stem.removeprefix("chunk-")) for p in (root / "runs").glob("*/chunk-*.ckpt")]
        newest = max(blocks, default=0)
        if newest > beyond or process.poll() is not None:
            return newest
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_killed_runs_end_with_the_same_bits(workplace):
    straight = workplace("straight")
    assert straight.wait() == 0, (workplace.root / "straight" / "log").read_text()

    moments = random.Random(7)
    root, kills, reached = workplace.root / "killed", 0, 0
    while True:
        process = workplace("killed")
        if kills < 4:
            reached = wait_for_checkpoint(root, process, reached + 2)
            time.sleep(moments.uniform(0.0, 0.15))
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
            assert not (root / "out" / "runs.json").exists() or process.returncode == 0
        if process.wait() == 0:
            break
        assert process.returncode == -signal.SIGKILL, (root / "log").read_text()
    assert kills == 4
    assert "continues from chunk-" in (root / "log").read_text()
    assert weights(root) == weights(workplace.root / "straight")
    assert history(root) == history(workplace.root / "straight")
    runs = json.loads((root / "out" / "runs.json").read_text())["runs"]
    assert runs[0]["continued"] == 1


@pytest.mark.slow
def test_a_run_stop_requested_saves_its_state_and_goes_on(workplace):
    root = workplace.root / "ended"
    process = workplace("ended")
    wait_for_checkpoint(root, process, 3)
    process.terminate()
    assert process.wait() == 2
    last = (root / "log").read_text().splitlines()[-1]
    assert "run it again to go on" in last

    # another reader takes the samples in another order: that is another run, and leaves this one as it is
    config = workplace.root / "config" / "config.yaml"
    config.write_text(CONFIG + "data_loading: {memory_budget_gb: 0.00001}\n")
    saved = {path: path.read_bytes() for path in (root / "runs").glob("*/*.ckpt")}
    assert workplace("ended").wait() == 0
    streamed = json.loads((root / "out" / "runs.json").read_text())["runs"][0]
    assert streamed["continued"] == 0
    assert streamed["order"].startswith("streamed in blocks of ")
    assert {path: path.read_bytes() for path in saved} == saved
    config.write_text(CONFIG)

    again = workplace("ended")
    assert again.wait() == 0
    resident = json.loads((root / "out" / "runs.json").read_text())["runs"][0]
    assert resident["continued"] == 1
    assert resident["order"].startswith("shuffled in memory")
    assert resident["digest"] != streamed["digest"]
    assert resident["files"]["weights.safetensors"] != streamed["files"]["weights.safetensors"]
