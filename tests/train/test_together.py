"""Trainings by several workers, with a real Ray: same fit, killed workers, errors that pass through."""

import json
import os
import signal
import threading
import time
from contextlib import suppress

import psutil
import pytest
import torch
from safetensors.torch import load_file

from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.train.stage import train_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # each starts Ray two or three times
TWO = {"request": ResourceRequest(nodes=1, cpus=2, gpus=0), "workers": 2}


@pytest.fixture
def workflow(tmp_path):
    return Workflow(studies=["curve"], runs_dir=str(tmp_path / "runs"), accelerator="cpu")


def plain(study: Study, **training: object) -> Study:
    """The study without dropout, whose draws depend on the number of workers."""
    tree = study.model_dump(mode="json")
    tree["models"]["net"]["architecture"]["dropout"] = 0.0
    tree["models"]["net"]["training"].update(training)
    return Study.model_validate(tree)


def trained(study, workflow, curve, folder, **how):
    train_model(study, workflow, "net", curve.manifest, None, folder, **how)
    return json.loads((folder / "runs.json").read_text())["runs"]


def test_two_workers_train_what_one_trains(curve, workflow, tmp_path):
    study = plain(curve.study)
    one = trained(study, workflow, curve, tmp_path / "one")
    workflow = workflow.model_copy(update={"runs_dir": str(tmp_path / "other")})
    two = trained(study, workflow, curve, tmp_path / "two", **TWO)
    assert [run["workers"] for run in one + two] == [1, 1, 2, 2]
    for seed in range(2):
        assert two[seed]["digest"] == one[seed]["digest"]
        assert two[seed]["best_val_loss"] == pytest.approx(one[seed]["best_val_loss"], rel=1e-4)
        expected = load_file(tmp_path / f"one/seed-{seed}/weights.safetensors")
        for key, value in load_file(tmp_path / f"two/seed-{seed}/weights.safetensors").items():
            torch.testing.assert_close(value, expected[key], rtol=1e-3, atol=1e-4)


def test_a_killed_worker_costs_no_more_than_a_checkpoint(curve, workflow, tmp_path, caplog):
    """All workers start again from the last checkpoint, and end with the weights of a team that nobody disturbed."""
    study = plain(curve.study, epochs=200, validate_every=10, checkpoint_seconds=0.1)
    study = study.model_copy(update={"n_seeds": 1})
    trained(study, workflow, curve, tmp_path / "whole", **TWO)
    workflow = workflow.model_copy(update={"runs_dir": str(tmp_path / "other")})
    killer = threading.Thread(target=kill_a_worker_in_mid_fit, args=(tmp_path / "other",), daemon=True)
    killer.start()
    (run,) = trained(study, workflow, curve, tmp_path / "killed", **TWO)
    killer.join(timeout=1)
    assert not killer.is_alive(), "no worker was killed: the fit was too short"
    assert run["continued"] == 1
    assert "all start again from the last checkpoint" in caplog.text
    weights = [(tmp_path / name / "seed-0/weights.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]


def kill_a_worker_in_mid_fit(runs) -> None:
    while not list(runs.glob("*/chunk-*.ckpt.sha256")):  # without which a checkpoint does not count
        time.sleep(0.05)
    workers = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # one that has ended meanwhile
            workers += [process] if "RayTrainWorker" in " ".join(process.cmdline()) else []
    os.kill(workers[-1].pid, signal.SIGKILL)


def test_a_team_that_diverges_says_so_once(curve, workflow, tmp_path):
    study = plain(curve.study, learning_rate=1e30, optimiser="sgd")
    with pytest.raises(UserError, match=r"seed 0: the training loss is (nan|inf).*lower training\.learning_rate"):
        trained(study, workflow, curve, tmp_path / "out", **TWO)


def test_more_workers_than_nodes_can_share_are_refused(curve, workflow, tmp_path):
    from bevatron.compute.distributed.ray_workers import _resources_per_worker
    from bevatron.compute.ray.session import RaySession

    with pytest.raises(UserError, match=r"3 workers cannot be shared out over 2 nodes"):
        _resources_per_worker(3, ResourceRequest(nodes=2), RaySession("", None, None, 4.0, 0.0), on_gpus=False)
