"""The state of a workflow, from its files alone: what is there, what runs, what failed, and how little is looked at."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from workflow_folder import WrittenLog, touch, write_progress, write_project

from bevatron.watch import watcher as module
from bevatron.watch.watcher import Watcher
from bevatron.watch.workflow_record import RECORD, write_workflow_record


@pytest.fixture
def project(curve, tmp_path, monkeypatch):
    folder = write_project(tmp_path / "project", curve.study)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(module, "FILES_SECONDS", 0.0)
    monkeypatch.setattr(module, "FILES_FRACTION", 1e9)
    return folder


def watcher() -> Watcher:
    return Watcher(Path(), Path("config/config.yaml"), None, None)


def stages(snapshot) -> dict[str, tuple[int, int, int, int]]:
    """By stage: done, running, failed, waiting."""
    (study,) = snapshot.studies
    return {s.stage: (s.done, s.running, s.failed, s.waiting) for s in study.stages}


def test_nothing_has_run(project):
    snapshot = watcher().look()
    assert snapshot.workflow.state == "not started"
    assert set(stages(snapshot).values()) == {(0, 0, 0, 1)}
    assert list(stages(snapshot)) == [
        "simulate", "prepare", "manifest", "observables", "train", "evaluate", "report_study",
    ]  # fmt: skip


def test_jobs_go_from_waiting_over_running_to_done_or_failed(project):
    watching = watcher()
    written = WrittenLog(project)
    job = written.start("simulate", "logs/simulate/curve/shard-0000.log", study="curve", shard="0000")
    assert stages(watching.look())["simulate"] == (0, 1, 0, 0)
    touch(project / "results/curve/raw/shard-0000.h5")
    assert stages(watching.look())["simulate"] == (0, 1, 0, 0)  # its file is there, and it has not ended
    written.finish(job, "simulate")
    touch(*(project / f"results/curve/dataset/{split}-0000.h5" for split in ("train", "val")))
    snapshot = watching.look()
    assert stages(snapshot)["simulate"] == (1, 0, 0, 0)
    assert stages(snapshot)["prepare"] == (0, 0, 0, 1)  # one of three files is missing
    touch(project / "results/curve/dataset/test-0000.h5")
    assert stages(watching.look())["prepare"] == (1, 0, 0, 0)
    log = project / "logs/train/curve/net.log"
    touch(log)
    log.write_text("first\n\n" + "".join(f"line {number}\n" for number in range(20)) + "bevatron: \x1b[2Jthe end")
    job = written.start("train", "logs/train/curve/net.log", study="curve", model="net")
    written.fail(job, "train", "logs/train/curve/net.log")
    snapshot = watching.look()
    assert stages(snapshot)["train"] == (0, 0, 1, 0)
    (failure,) = snapshot.failures
    assert (failure.rule, failure.item, failure.lines[-1]) == ("train", "net", "bevatron: \x1b[2Jthe end")
    assert failure.lines[:-1] == tuple(f"line {number}" for number in range(13, 20))
    touch(project / "results/curve/models/net/runs.json")  # made by hand meanwhile
    snapshot = watching.look()
    assert (stages(snapshot)["train"], snapshot.failures) == ((1, 0, 0, 0), ())


def test_a_job_of_a_batch_system_runs_when_its_log_is_written(project):
    written = WrittenLog(project)
    log = "logs/train/curve/net.log"
    touch(project / log)
    os.utime(project / log, (1, 1))  # of an earlier run
    written.start("train", log, local=False, study="curve", model="net")
    (train,) = (stage for stage in watcher().look().studies[0].stages if stage.stage == "train")
    assert (train.queued, train.running) == (1, 0)
    touch(project / log)
    (train,) = (stage for stage in watcher().look().studies[0].stages if stage.stage == "train")
    assert (train.queued, train.running) == (0, 1)


def test_a_workflow_whose_snakemake_was_killed_is_not_called_running(project):
    written = WrittenLog(project)
    written.start("train", "a.log", study="curve", model="net")
    child = subprocess.Popen(["sleep", "60"])
    write_workflow_record("demo", ["curve"], str(written.path))
    record = json.loads(RECORD.read_text())
    RECORD.write_text(json.dumps(record | {"pid": child.pid, "ticks": None}))
    watching = watcher()
    assert watching.look().workflow.state == "running"
    child.kill()
    child.wait()
    snapshot = watching.look()
    assert snapshot.workflow.state == "stopped"
    assert stages(snapshot)["train"] == (0, 0, 0, 1)
    RECORD.write_text(json.dumps(record | {"pid": child.pid, "host": "elsewhere"}))
    assert watching.look().workflow.state == "running"  # nobody here can know


def test_a_command_that_runs_nothing_does_not_hide_the_last_run(project):
    written = WrittenLog(project)
    job = written.start("train", "a.log", study="curve", model="net")
    written.fail(job, "train", "a.log")
    written.say("Exiting because a job execution failed. Look above for error messages")
    unlocking = project / ".snakemake/log/2026-11-30T110000.000000.snakemake.log"
    unlocking.write_text("Unlocked working directory.\n")
    watching = watcher()
    assert watching.look().workflow.state == "failed"
    WrittenLog(project, "2026-11-30T120000.000000")
    assert watching.look().workflow.state == "running"


def test_the_scale_and_studies_are_those_of_the_last_run(curve, project):
    payload = (project / "config/studies/curve.yaml").read_text()
    (project / "config/studies/other.yaml").write_text(payload.replace("name: curve", "name: other"))
    assert [study.study for study in watcher().look().studies] == ["curve"]
    watching = watcher()
    write_workflow_record("paper", ["other", "curve"], None)
    snapshot = watching.look()
    assert [study.study for study in snapshot.studies] == ["other", "curve"]
    assert snapshot.workflow.scale == "paper"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"kind": 3}', b'{"pid": "x", "seed": {}}', b"\xff\xfe", b'{"a": ' * 9000, b"1e999"],
)
def test_files_that_are_half_written_or_no_sense_are_passed_over(project, content):
    for path in (
        project / "runs/abc/progress.json",
        project / "runs/abc/ray/session.json",
        project / "runs/abc/trial_log.jsonl",
        project / RECORD,
    ):
        touch(path)
        path.write_bytes(content)
    (project / "runs/pipe").mkdir()
    os.mkfifo(project / "runs/pipe/progress.json")
    write_progress(project / "runs/good")
    snapshot = watcher().look()
    assert [training.model for training in snapshot.trainings] == ["net"]


def test_a_training_is_running_interrupted_or_silent(project):
    write_progress(project / "runs/a", seed=0, epoch=3.0, epochs=6, samples_per_second=1e4, data_wait=0.1)
    write_progress(project / "runs/b", seed=1, pid=2**22 + 1)
    write_progress(project / "runs/c", seed=2, host="elsewhere", updated=time.time() - 5)
    write_progress(project / "runs/d", seed=3, host="elsewhere", updated=time.time() - 5000)
    write_progress(project / "runs/e", seed=4, state="finished")
    found = {training.seed: training.state for training in watcher().look().trainings}
    assert found == {0: "running", 1: "interrupted", 2: "running", 3: "silent"}


def test_a_search_shows_its_trials_and_the_best_of_those_that_count(curve, tmp_path, monkeypatch):
    search = {"trials": 5, "epochs": 4, "space": {"training.learning_rate": {"kind": "uniform", "low": 0.1, "high": 1}}}
    study = json.loads(curve.study.model_dump_json())
    study["models"]["net"]["search"] = search
    folder = write_project(tmp_path / "project", curve.study, models=study["models"])
    monkeypatch.chdir(folder)
    live = folder / "runs/abc"
    write_progress(live, kind="search", trials=5, checkpoint="best")
    log = live / "trial_log.jsonl"

    def write(*lines: dict, tail: str = "") -> None:
        with log.open("a") as file:
            file.write("".join(json.dumps(line) + "\n" for line in lines) + tail)

    watching = watcher()
    write({"event": "start", "trial": 1, "sampled": {}, "at": 100.0}, {"event": "start", "trial": 2, "at": 101.0})
    write({"event": "report", "trial": 1, "epoch": 1, "val_loss": 0.5, "seconds": 1, "at": 110.0})
    write({"event": "report", "trial": 2, "epoch": 1, "val_loss": 0.1, "seconds": 1, "at": 111.0}, tail='{"event": "e')
    (search,) = watching.look().searches
    assert (search.ended, search.running, search.best_trial, search.best_val_loss) == (0, 2, 2, 0.1)
    write(tail='nd", "trial": 2, "status": "diverged", "seconds": 1, "at": 120.0}\n')
    (search,) = watching.look().searches
    assert (search.ended, search.running, search.best_trial, search.best_val_loss) == (1, 1, 1, 0.5)
    assert search.seconds_left == pytest.approx(4 * 20.0)  # four trials at the measured time of one


def test_dashboards_are_those_of_sessions_that_live(project):
    write_progress(project / "runs/abc", kind="search", trials=5)
    session = {"dashboard_url": "http://127.0.0.1:8265", "token_file": "/t/token", "host": "node3", "pid": 1,
               "login_host": "login"}  # fmt: skip
    path = project / "runs/abc/ray/session.json"
    touch(path)
    path.write_text(json.dumps(session))
    (dashboard,) = watcher().look().ray_dashboards
    assert (dashboard.url, dashboard.tunnel) == (
        "http://127.0.0.1:8265",
        "ssh -J login -L 8265:127.0.0.1:8265 node3",
    )
    path.write_text(json.dumps(session | {"host": os.uname().nodename, "pid": 2**22 + 1}))
    assert watcher().look().ray_dashboards == ()


def test_time_left_is_that_of_measured_jobs(project):
    """Two shards took 10 s each; a training has an earlier benchmark, less what has passed; the rest is unknown."""
    for rule, name, seconds in (("train", "curve/net", 90.0), ("simulate", "curve/shard-0000", 10.0)):
        path = project / f"results/benchmarks/{rule}/{name}.tsv"
        touch(path)
        path.write_text(f"s\th:m:s\n{seconds}\t0\n")
    snapshot = watcher().look()
    (study,) = snapshot.studies
    assert study.seconds_left == pytest.approx(100.0)
    assert study.unknown_jobs == 5
    write_progress(project / "runs/a", seconds_left=30.0, started=time.time() - 20, updated=time.time())
    (study,) = watcher().look().studies
    assert study.seconds_left == pytest.approx(10 + 30 + (30 + 20), abs=1)  # and a second seed of the same length


def test_the_wall_time_left_is_shared_by_the_cores_but_for_the_longest_chain():
    from bevatron.watch.time_left import overall

    assert overall([(100.0, 20.0, 1), (60.0, 50.0, 0)], slots=4).seconds == 50.0
    assert overall([(100.0, 20.0, 1), (60.0, 50.0, 2)], slots=2).seconds == 80.0
    assert overall([(100.0, 20.0, 1), (60.0, 50.0, 2)], slots=2).unknown == 3
    assert overall([], slots=0).seconds == 0.0


def test_a_look_at_many_shards_asks_the_file_system_little(project, monkeypatch):
    path = project / "config/studies/curve.yaml"
    payload = yaml.safe_load(path.read_text())
    payload["simulation"]["shards"] = 5000
    path.write_text(yaml.safe_dump(payload))
    raw = project / "results/curve/raw"
    raw.mkdir(parents=True)
    for number in range(5000):
        (raw / f"shard-{number:04d}.h5").touch()
    watching = watcher()
    assert stages(watching.look())["simulate"][0] == 5000
    time.sleep(2.1)  # a folder's time of change is coarse
    watching.look()
    asked = []
    for name in ("stat", "listdir", "open", "scandir"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, real=real, name=name, **k: (asked.append(name), real(*a, **k))[1])
    assert stages(watching.look())["simulate"][0] == 5000
    assert len(asked) < 40, asked


def test_neither_pytorch_nor_ray_is_imported(project):
    watcher()  # leaves the studies' facts for the next
    code = (
        "import sys; from pathlib import Path; from bevatron.watch.watcher import Watcher; "
        "Watcher(Path(), Path('config/config.yaml'), None, None).look(); import bevatron.watch.screen; "
        "sys.exit(str([m for m in ('torch', 'ray', 'pytorch_lightning', 'h5py', 'pandas') if m in sys.modules]) "
        "if 'torch' in sys.modules or 'ray' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_snapshot_is_json_of_the_documented_form(project):
    write_progress(project / "runs/a", val_loss=0.5)
    payload = json.loads(json.dumps(watcher().look().as_payload(), allow_nan=False))
    documented = (Path(__file__).parents[2] / "docs/how-to/watch.md").read_text()
    assert payload["schema_version"] == 1
    for key, value in payload.items():
        assert f"`{key}`" in documented
        first = value[0] if isinstance(value, list) and value else value
        assert all(f"`{name}`" in documented for name in (first if isinstance(first, dict) else ()))
