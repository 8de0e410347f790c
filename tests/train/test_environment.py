"""A run says where it was trained; one that goes on elsewhere, or is used elsewhere, says that it was."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from bevatron.compute.numerics.reproducibility import differences, doubts, reproducible

pytestmark = pytest.mark.slow
MODEL = {
    "training": {
        "epochs": 150,
        "batch_size": 50,
        "learning_rate": 0.01,
        "validate_every": 5,
        "checkpoint_seconds": 0.02,
    },
}
WARNING = "cannot be reproduced bit for bit"


@pytest.fixture
def place(curve, tmp_path):
    """A folder to run `bevatron train` in, on a study with two models that differ in title alone."""
    tree = curve.study.model_dump(mode="json")
    tree["models"]["net"] |= MODEL
    tree["models"]["twin"] = {**tree["models"]["net"], "title": "its twin"}
    tree["n_seeds"] = 2
    (tmp_path / "config" / "studies").mkdir(parents=True)
    (tmp_path / "config" / "config.yaml").write_text("studies: [curve]\naccelerator: cpu\n")
    (tmp_path / "config" / "studies" / "curve.yaml").write_text(yaml.safe_dump(tree))
    return tmp_path


def train(place: Path, curve, model: str = "net", capability: str | None = None) -> subprocess.Popen:
    command = [
        sys.executable, "-m", "bevatron.cli", "train", "curve", model, "--manifest", str(curve.manifest),
        "--output", f"out-{model}",
    ]  # fmt: skip
    surroundings = dict(os.environ) if capability is None else {**os.environ, "ATEN_CPU_CAPABILITY": capability}
    with (place / f"log-{model}").open("a") as log:
        return subprocess.Popen(command, cwd=place, stdout=log, stderr=log, env=surroundings)


def waiting_for(first: subprocess.Popen, place: Path, curve) -> subprocess.Popen:
    """The training of the twin, which waits for the first; that one is stopped, so that it cannot end before."""
    first.send_signal(signal.SIGSTOP)
    second = train(place, curve, "twin")
    while "waits for process" not in log_of(place, "twin"):
        assert second.poll() is None
        time.sleep(0.01)
    return second


def log_of(place: Path, model: str = "net") -> str:
    return (place / f"log-{model}").read_text()


def runs_of(place: Path, model: str = "net") -> list[dict]:
    return json.loads((place / f"out-{model}" / "runs.json").read_text())["runs"]


def wait_for(pattern: str, place: Path, process: subprocess.Popen) -> None:
    while not list(place.glob(pattern)):
        assert process.poll() is None, "it ended before it could be interrupted"
        time.sleep(0.005)


@pytest.mark.timeout(300)
def test_a_run_that_goes_on_on_other_instructions_says_so_and_is_not_called_reproducible(place, curve):
    process = train(place, curve, capability="default")
    wait_for("runs/*/chunk-*.ckpt.sha256", place, process)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert WARNING not in log_of(place)

    assert train(place, curve).wait() == 0, log_of(place)
    warned = [line for line in log_of(place).splitlines() if "WARNING" in line]
    native = torch.backends.cpu.get_cpu_capability()
    assert native != "DEFAULT"
    assert len(warned) == 2, "once on going on, once with runs.json"
    assert f"capability DEFAULT and {native}" in warned[0]
    assert WARNING in warned[0]
    assert (
        "curve/net: was not trained here alone, and cannot be made again here bit for bit (seed 0: capability "
        in warned[1]
    )
    first, second = runs_of(place)
    assert [e["capability"] for e in first["environments"]] == ["DEFAULT", native]
    assert [e["capability"] for e in second["environments"]] == [native]
    assert (first["reproducible"], second["reproducible"]) == (False, True)
    of_seed = json.loads((place / "out-net" / "seed-0" / "run.json").read_text())
    assert of_seed["environments"] == first["environments"]
    assert not of_seed["reproducible"]
    assert doubts([first, second]).startswith("seed 0 went on in another environment than begun")
    here = first["environments"][-1]
    assert (here["device"], here["threads"], here["workers"]) == ("cpu", 1, 1)
    assert here["versions"]["torch"] == torch.__version__
    assert here["processor"]

    before = (place / "out-net" / "runs.json").read_bytes()
    assert train(place, curve, capability="default").wait() == 0
    told = log_of(place).splitlines()[-1]
    assert f"seed 0, 1: capability {native} and DEFAULT" in told, "used again elsewhere, but not without a word"
    assert (place / "out-net" / "runs.json").read_bytes() == before


@pytest.mark.timeout(300)
def test_interrupted_and_finished_in_one_environment_nothing_is_said(place, curve):
    process = train(place, curve)
    wait_for("runs/*/chunk-*.ckpt.sha256", place, process)
    process.terminate()
    assert process.wait() == 2
    assert train(place, curve).wait() == 0
    assert train(place, curve).wait() == 0
    assert "WARNING" not in log_of(place)
    assert all(run["reproducible"] and len(run["environments"]) == 1 for run in runs_of(place))
    assert runs_of(place)[0]["continued"] == 1


@pytest.mark.timeout(300)
def test_of_two_models_with_equal_settings_the_second_waits_and_takes_the_first_s_result(place, curve):
    first = train(place, curve)
    wait_for("runs/*/chunk-*.ckpt.sha256", place, first)
    second = waiting_for(first, place, curve)
    first.send_signal(signal.SIGCONT)
    assert (first.wait(), second.wait()) == (0, 0), log_of(place, "twin")
    waiting = [line for line in log_of(place, "twin").splitlines() if "waits for process" in line]
    assert len(waiting) == 1
    assert f"process {first.pid} on {os.uname().nodename}" in waiting[0]
    assert runs_of(place) == runs_of(place, "twin")
    assert "continues from" not in log_of(place, "twin")


@pytest.mark.timeout(300)
def test_who_waits_for_a_process_that_is_killed_goes_on_from_its_state(place, curve):
    first = train(place, curve)
    wait_for("runs/*/chunk-*.ckpt.sha256", place, first)
    second = waiting_for(first, place, curve)
    first.send_signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    assert second.wait() == 0, log_of(place, "twin")
    assert any(run["continued"] for run in runs_of(place, "twin"))


def test_only_what_moves_bits_is_a_difference():
    one = {"device": "cpu", "workers": 1, "versions": {"torch": "2.0", "bevatron": "1"}}
    assert differences(one, {**one, "versions": {"torch": "2.0", "bevatron": "2"}}) == []
    other = {"device": "NVIDIA H200", "workers": 2, "versions": {"torch": "2.1", "bevatron": "1", "cuda": "12.6"}}
    assert differences(one, other) == [
        "device cpu and NVIDIA H200", "workers 1 and 2", "torch 2.0 and 2.1", "cuda none and 12.6"
    ]  # fmt: skip
    assert reproducible([one])
    assert not reproducible([one, other])
    assert not reproducible([one, other, one])
