"""A search with Ray, from the study to what it publishes."""

import csv
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from bevatron.compute.process.environment import environment
from bevatron.compute.ray.ray_session import ray_session
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.workflow import DataLoading, Ray, Workflow
from bevatron.errors import UserError
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.search.stage import search_model
from bevatron.search.trial_log import TrialLog
from bevatron.search.trials import run_trials, trials_at_once
from bevatron.simulate.stage import simulate_shard
from bevatron.training.job import FitJob

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]  # each starts Ray at least once


@pytest.fixture(scope="module")
def session(module_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("session")
    with environment(PYTHONPATH=module_path), ray_session(Ray(), ResourceRequest(cpus=2), folder) as session:
        yield session


def run(study, folder: Path, session, manifest: Path | str = "", fit: str = "pretended_fit") -> list:
    """The ended trials of a search."""
    model = study.models["net"]
    search = model.search
    job = FitJob(study, model, Path(manifest), search.seed, folder, DataLoading(), "cpu", search.epochs)
    task = {
        "job": job.as_payload(),
        "strategy": "ddp",
        "fit": fit,
        "stop_requested": str(folder / "stop-requested"),
    }
    with TrialLog(folder / "trial_log.jsonl") as trial_log:
        run_trials(model.search, model.training.checkpoint, task, trial_log, session)
        return trial_log.ended


def outcome(trials) -> list[tuple]:
    return [(t.number, t.sampled, t.losses, t.status, t.reason) for t in trials]


def test_a_failing_trial_is_recorded_and_skipped_and_the_rest_goes_on(study_with_search, session, tmp_path, caplog):
    # Each failure that `pretended_fit` knows of comes with a momentum of its own; two trials run at a time.
    study = study_with_search(trials=10, epochs=9, reduction_factor=9, grace_period=3, seed=4)
    with caplog.at_level(logging.INFO, "bevatron"):
        trials = run(study, tmp_path, session)
    assert [trial.number for trial in trials] == list(range(1, 11))
    status = {0: "", 1: "diverged", 2: "out of memory", 3: "out of memory", 4: "failed", 5: "failed"}
    for trial in trials:
        momentum = trial.sampled["training.momentum"]
        assert trial.status == status[momentum] or (momentum == 0 and trial.status in ("finished", "stopped early"))
    seen = {trial.sampled["training.momentum"] for trial in trials}
    assert seen == {0, 1, 2, 3, 4, 5}, "the seed must bring every failure"
    reasons = {trial.sampled["training.momentum"]: trial.reason for trial in trials}
    assert reasons[1] == "the training loss is nan after step 12"
    assert reasons[3].startswith("OutOfMemoryError: CUDA out of memory")
    assert reasons[4] == "KeyError: 'tracks'"
    assert "process died" in reasons[5]
    killed = sum(trial.sampled["training.momentum"] == 5 for trial in trials)
    assert len({trial.process for trial in trials if trial.process}) <= 2 + 3 * killed, "processes are used again"
    assert sum(record.message.startswith("trial ") for record in caplog.records) == 10


def test_a_trial_whose_process_is_killed_once_goes_on_where_it_was(study_with_search, session, tmp_path):
    rates = {"training.learning_rate": {"kind": "log_uniform", "low": 1e-4, "high": 1.0}}
    momenta = ({"training.momentum": {"kind": "choice", "values": [value]}} for value in (0.0, 0.8))
    left_alone, killed = (
        run(study_with_search(rates | momentum, trials=4, grace_period=9, cpus_per_trial=2), tmp_path / str(k), session)
        for k, momentum in enumerate(momenta)
    )
    assert [(t.losses, t.status) for t in killed] == [(t.losses, t.status) for t in left_alone]
    for trial in killed:
        calls = (tmp_path / "1" / f"trial-{trial.number:04d}" / "calls.txt").read_text().splitlines()
        assert [line.split()[1] for line in calls] == ["0", "1"], "it went on after the epoch it had saved"
        assert len({line.split()[0] for line in calls}) == 2


def test_one_trial_at_a_time_gives_the_same_search_again(study_with_search, session, tmp_path):
    study = study_with_search(
        {"training.learning_rate": {"kind": "log_uniform", "low": 1e-4, "high": 1.0}}, cpus_per_trial=2
    )
    first, second = (run(study, tmp_path / name, session) for name in ("a", "b"))
    assert outcome(first) == outcome(second)
    assert len({trial.process for trial in first}) == 1
    stopped = [trial for trial in first if trial.status == "stopped early"]
    assert stopped
    assert all(trial.epochs in (1, 3) for trial in stopped), "ASHA stops at its rungs alone"
    assert min(first, key=lambda t: t.val_loss("best")).status == "finished"


def test_the_real_fit_is_searched_and_fits_better_at_a_better_rate(study_with_search, session, tmp_path):
    rates = [1e-6, 0.02]
    study = study_with_search(
        {"training.learning_rate": {"kind": "choice", "values": rates}}, trials=5, epochs=4, grace_period=4
    )
    simulate_shard(study, 0, tmp_path / "shard-0000.h5")
    prepare_shard(study, tmp_path / "shard-0000.h5", tmp_path / "dataset")
    write_manifest(study, tmp_path / "dataset")
    trials = run(study, tmp_path / "live", session, tmp_path / "dataset" / "manifest.json", "bevatron.training.fit")
    assert [(trial.status, trial.epochs) for trial in trials] == [("finished", 4)] * 5
    losses = {trial.sampled["training.learning_rate"]: trial.val_loss("best") for trial in trials}
    assert losses[1] < losses[0]
    assert all(trial.val_loss("best") == losses[trial.sampled["training.learning_rate"]] for trial in trials)


def test_a_trial_of_two_workers_is_the_trial_of_one(study_with_search, session, tmp_path):
    """The same draws and, but for rounding, losses and stops; the second worker is kept from trial to trial."""
    space = {"training.learning_rate": {"kind": "log_uniform", "low": 1e-4, "high": 0.1}}
    found = []
    for workers in (1, 2):
        study = study_with_search(space, trials=7, epochs=9, cpus_per_trial=2, workers_per_trial=workers)
        if workers == 1:
            simulate_shard(study, 0, tmp_path / "shard-0000.h5")
            prepare_shard(study, tmp_path / "shard-0000.h5", tmp_path / "dataset")
            write_manifest(study, tmp_path / "dataset")
        manifest = tmp_path / "dataset" / "manifest.json"
        found.append(run(study, tmp_path / f"live-{workers}", session, manifest, "bevatron.training.fit"))
    one, two = found
    assert [(t.sampled, t.status, list(t.losses)) for t in two] == [(t.sampled, t.status, list(t.losses)) for t in one]
    assert {t.status for t in two} == {"finished", "stopped early"}
    for a, b in zip(one, two, strict=True):
        assert list(b.losses.values()) == pytest.approx(list(a.losses.values()), rel=1e-4)
    assert len({trial.process for trial in two}) == 1
    assert max(trial.seconds for trial in two[1:]) < two[0].seconds, "only the first trial starts a worker"


def test_a_fault_of_the_data_ends_the_search_with_one_line(study_with_search, session, tmp_path):
    study = study_with_search({"training.momentum": {"kind": "choice", "values": [0.6, 0.7]}}, trials=6)
    with pytest.raises(UserError, match=r"val-0000\.h5: is truncated"):
        run(study, tmp_path, session)
    with TrialLog(tmp_path / "trial_log.jsonl") as trial_log:
        assert trial_log.ended == []


def test_a_trial_larger_than_the_cluster_is_refused(study_with_search, session):
    for key, value in (("cpus_per_trial", 64), ("gpus_per_trial", 1.0)):
        with pytest.raises(UserError, match=rf"search\.{key}: a trial asks for {value:g}, the Ray cluster has"):
            trials_at_once(study_with_search(**{key: value}).models["net"].search, session)


def make_dataset(study, folder: Path) -> None:
    """The study's shards and manifest in `folder`."""
    simulate_shard(study, 0, folder / "shard-0000.h5")
    prepare_shard(study, folder / "shard-0000.h5", folder)
    write_manifest(study, folder)


DRIVER = """
import sys, json
from pathlib import Path
from bevatron.errors import UserError
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.logs import start_logging
from bevatron.search.stage import search_model
start_logging()
folder = Path(sys.argv[1])
study = Study.model_validate_json((folder / "study.json").read_text())
workflow = Workflow(studies=["parabola"], runs_dir=str(folder / "runs"), ray=json.loads(sys.argv[2]))
try:
    search_model(study, workflow, "net", folder / "manifest.json", folder / "out", fit="pretended_fit")
except UserError as error:
    print(f"bevatron: {error}", file=sys.stderr)
    sys.exit(2)
"""


def test_a_search_killed_in_its_midst_continues(study_with_search, session, module_path, tmp_path):
    # Meanwhile the fixture's session goes on: two clusters on one machine do not meet.
    space = {"training.learning_rate": {"kind": "log_uniform", "low": 1e-3, "high": 1e-1}}
    study = study_with_search(space, trials=6, epochs=5, reduction_factor=5, grace_period=5)
    (tmp_path / "study.json").write_text(study.model_dump_json())
    make_dataset(study, tmp_path)
    surroundings = {**os.environ, "PYTHONPATH": module_path, "PRETENDED_EPOCH_SECONDS": "0.1"}
    command = [sys.executable, "-c", DRIVER, str(tmp_path)]
    private, existing = ('{"cpus": 2}', json.dumps({"address": session.address, "token": str(session.token_path)}))
    with subprocess.Popen(
        [*command, private], env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as driver:
        lines = [wait_for(driver, "Ray dashboard: http://127.0.0.1:"), wait_for(driver, "trial ")]
        time.sleep(0.25)  # into the fits that follow
        driver.send_signal(signal.SIGKILL)
    journal_file = next((tmp_path / "runs").glob("*/trial_log.jsonl"))
    before = [json.loads(line) for line in journal_file.read_text().splitlines() if line.endswith("}")]
    ended = {line["trial"] for line in before if line["event"] == "end"}
    interrupted = {line["trial"] for line in before} - ended
    assert ended
    assert interrupted

    # It continues on another cluster, which the configuration names.
    again = subprocess.run([*command, existing], env=surroundings, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert "continues; " in again.stderr
    after = [json.loads(line) for line in journal_file.read_text().splitlines()]
    assert after[: len(before)] == before, "what had ended is not touched"
    assert not any(line["trial"] in ended for line in after[len(before) :]), "nor repeated"
    starts = [line["trial"] for line in after if line["event"] == "start"]
    assert sorted(starts) == list(range(1, 7))
    epochs = [(line["trial"], line["epoch"]) for line in after if line["event"] == "report"]
    assert sorted(epochs) == [(trial, epoch) for trial in starts for epoch in range(1, 6)], "each epoch just once"
    rows = list(csv.DictReader((tmp_path / "out" / "trials.csv").read_text().splitlines()))
    assert [int(row["trial"]) for row in rows] == list(range(1, 7))
    best = yaml.safe_load((tmp_path / "out" / "best.yaml").read_text())
    assert best["val_loss"] == min(float(row["val_loss"]) for row in rows)
    folder = Path(lines[0].partition("token in ")[2].partition("/token;")[0])
    assert not folder.exists(), "the killed session's folder is gone"
    assert not list(journal_file.parent.glob("trial-*")), "fits of ended trials are removed"

    published = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    workflow = Workflow(studies=["parabola"], runs_dir=str(tmp_path / "runs"))
    search_model(study, workflow, "net", tmp_path / "manifest.json", tmp_path / "out")  # all is in the trial log
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == published


def test_who_searches_what_another_process_searches_waits_and_takes_its_trials(
    study_with_search, module_path, tmp_path
):
    space = {"training.learning_rate": {"kind": "log_uniform", "low": 1e-3, "high": 1e-1}}
    study = study_with_search(space, trials=3, epochs=4, reduction_factor=4, grace_period=4)
    (tmp_path / "study.json").write_text(study.model_dump_json())
    make_dataset(study, tmp_path)
    command = [sys.executable, "-c", DRIVER, str(tmp_path), '{"cpus": 2}']
    slow = {**os.environ, "PYTHONPATH": module_path, "PRETENDED_EPOCH_SECONDS": "2"}
    with subprocess.Popen(command, env=slow, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as first:
        while not list((tmp_path / "runs").glob("*/trial_log.jsonl")):
            assert first.poll() is None
            time.sleep(0.01)
        second = subprocess.run(command, env=slow, capture_output=True, text=True, timeout=200)
    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    assert f"waits for process {first.pid} on " in second.stderr
    assert "trial 1/3" not in second.stderr, "nothing is tried twice"
    assert "best of 3 trials" in second.stderr
    best = yaml.safe_load((tmp_path / "out" / "best.yaml").read_text())
    assert best["order"] == "shuffled in memory"
    trial_log = next((tmp_path / "runs").glob("*/trial_log.jsonl")).read_text().splitlines()
    assert [json.loads(line)["trial"] for line in trial_log if '"start"' in line] == [1, 2, 3]


def test_a_search_stop_requested_lets_its_trials_save_their_state_and_goes_on(
    study_with_search, session, module_path, tmp_path
):
    space = {"training.learning_rate": {"kind": "log_uniform", "low": 1e-3, "high": 1e-1}}
    study = study_with_search(space, trials=4, epochs=8, reduction_factor=8, grace_period=8)
    (tmp_path / "study.json").write_text(study.model_dump_json())
    make_dataset(study, tmp_path)
    command = [sys.executable, "-c", DRIVER, str(tmp_path)]
    slow = {**os.environ, "PYTHONPATH": module_path, "PRETENDED_EPOCH_SECONDS": "0.4"}
    with subprocess.Popen(
        [*command, '{"cpus": 2}'], env=slow, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as driver:
        wait_for(driver, "trial ")  # one has ended, another is about to, a third has begun
        time.sleep(0.5)
        descendants = psutil.Process(driver.pid).children(recursive=True)
        driver.send_signal(signal.SIGTERM)
        words = driver.stderr.read()
    assert driver.returncode == 2
    assert [line for line in words.splitlines() if line.startswith("bevatron: ")] == words.splitlines()[-1:]
    assert "Traceback" not in words
    left = [process for process in descendants if process.is_running()]
    assert all(process.status() == psutil.STATUS_ZOMBIE for process in left), "nothing is left"
    journal_file = next((tmp_path / "runs").glob("*/trial_log.jsonl"))
    before = [json.loads(line) for line in journal_file.read_text().splitlines()]
    interrupted = {line["trial"] for line in before} - {line["trial"] for line in before if line["event"] == "end"}
    assert interrupted
    for trial in interrupted:
        reported = max(line["epoch"] for line in before if line["event"] == "report" and line["trial"] == trial)
        state = (journal_file.parent / f"trial-{trial:04d}" / "state.json").read_text()
        assert json.loads(state) == reported, "what the trial log knows is saved"

    existing = json.dumps({"address": session.address, "token": str(session.token_path)})
    quick = {**os.environ, "PYTHONPATH": module_path}
    again = subprocess.run([*command, existing], env=quick, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    after = [json.loads(line) for line in journal_file.read_text().splitlines()]
    ends = [(line["status"], line["reason"]) for line in after if line["event"] == "end"]
    assert ends == [("finished", "")] * 4
    epochs = [(line["trial"], line["epoch"]) for line in after if line["event"] == "report"]
    assert sorted(epochs) == [(trial, epoch) for trial in range(1, 5) for epoch in range(1, 9)], "each epoch just once"


def wait_for(process: subprocess.Popen, words: str) -> str:
    lines = []
    for line in process.stderr:
        if words in line:
            return line
        lines.append(line)
    raise AssertionError(f"the process ended without '{words}':\n{''.join(lines)}")
