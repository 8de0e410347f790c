"""Jobs of cross-validations, of systematic variations, and those that are made on demand alone."""

import json
import time
from pathlib import Path

import pytest
import yaml
from workflow_folder import WrittenLog, touch, write_progress

from bevatron.plan.rates import Rates, rates_text
from bevatron.watch import watcher as module
from bevatron.watch.job_key import JobKey, job_key
from bevatron.watch.live_runs import LiveRuns
from bevatron.watch.snapshot import Snapshot
from bevatron.watch.tensorboard import RunLinks
from bevatron.watch.time_left import longest_chain
from bevatron.watch.watcher import Watcher
from bevatron.watch.workflow_record import RECORD, write_workflow_record

MODEL = {"title": "n", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": [4]}, "training": {"epochs": 6}}
SOURCE = {
    "kind": "table", "files": ["data.csv"], "id": "event", "groups": {"jet": {"features": ["pt"]}},
    "targets": {"y": {"classes": {"background": "y == 0", "signal": "y == 1"}}},
}  # fmt: skip
STUDY = {
    "name": "curve", "title": "t", "summary": "s", "simulation": {"source": SOURCE}, "n_seeds": 2,
    "task": {"kind": "classification", "target": "y", "classes": ["background", "signal"], "signal": "signal"},
    "models": {"net": MODEL, "second": MODEL},
}  # fmt: skip
APPLY = {"new": {"files": ["new/*.csv", "other.csv"], "format": "csv"}, "onnx": {"files": ["a.h5"], "backend": "onnx"}}
VARIATIONS = {"up": {"source": {"shift": {"pt": "1.1 * pt"}}}, "down": {"source": {"shift": {"pt": "0.9 * pt"}}}}


def make_project(folder: Path, patch: pytest.MonkeyPatch, **changes) -> Path:
    """The results' folder of a project with the study with these changes, in which the test then works."""
    (folder / "config/studies").mkdir(parents=True)
    (folder / "config/config.yaml").write_text("studies: [curve]\n")
    (folder / "config/studies/curve.yaml").write_text(yaml.safe_dump(STUDY | changes))
    (folder / "data.csv").write_text("event,pt,y\n1,2.5,0\n2,3.5,1\n")
    patch.chdir(folder)
    patch.setattr(module, "FILES_SECONDS", 0.0)
    patch.setattr(module, "FILES_FRACTION", 1e9)
    return folder / "results/curve"


@pytest.fixture
def folded(tmp_path, monkeypatch):
    return make_project(tmp_path / "project", monkeypatch, dataset={"recipe": {"kind": "table"}, "folds": 3})


@pytest.fixture
def varied(tmp_path, monkeypatch):
    changes = {"dataset": {"recipe": {"kind": "table"}}, "variations": VARIATIONS, "apply": APPLY}
    return make_project(tmp_path / "project", monkeypatch, **changes)


def watcher() -> Watcher:
    return Watcher(Path(), Path("config/config.yaml"), None, None)


def stages(snapshot: Snapshot) -> dict[str, tuple[int, int, int, int]]:
    """By stage: done, running, failed, waiting."""
    (study,) = snapshot.studies
    return {s.stage: (s.done, s.running, s.failed, s.waiting) for s in study.stages}


@pytest.mark.parametrize(
    ("rule", "wildcards", "key"),
    [
        ("train", {"model": "net"}, ("train", "net")),
        ("train_fold", {"model": "net", "fold": "2"}, ("train", "net/fold-2")),
        ("prepare_3_folds", {"shard": "0001"}, ("prepare", "0001")),
        ("prepare_12_folds_balanced", {"shard": "0001"}, ("prepare", "0001")),
        ("manifest_3_folds", {}, ("manifest", "")),
        ("evaluate_folds", {"model": "net"}, ("evaluate", "net")),
        ("search_fold_0", {"model": "net"}, ("search", "net")),
        ("export_model", {"model": "net"}, ("export", "net")),
        ("export_fold", {"model": "net", "fold": "0"}, ("export", "net/fold-0")),
        ("simulate_variation", {"variation": "up", "shard": "0003"}, ("simulate_variation", "up/0003")),
        ("manifest_variation", {"variation": "up"}, ("manifest_variation", "up")),
        ("evaluate_variation", {"variation": "up", "model": "net"}, ("evaluate_variation", "up/net")),
        (
            "apply_model",
            {"application": "new", "model": "net", "stem": "a, b=1", "format": "csv"},
            ("apply", "new/net/a, b=1.csv"),
        ),
    ],
)
def test_each_rule_is_of_a_stage(rule, wildcards, key):
    assert job_key(rule, {"study": "curve", **wildcards}) == JobKey(key[0], "curve", key[1])


def test_a_shard_of_a_cross_validation_is_prepared_when_all_its_parts_are_there(folded):
    watching = watcher()
    touch(*(folded / f"dataset/{split}-0000.h5" for split in ("train", "val", "test")))  # as without folds
    assert stages(watching.look())["prepare"] == (0, 0, 0, 1)
    parts = watching.facts["curve"].fold_parts
    files = [folded / f"dataset/fold-{fold}-{part}-0000.h5" for fold in range(3) for part in parts]
    touch(*files[1:])
    assert stages(watching.look())["prepare"] == (0, 0, 0, 1)
    touch(files[0])
    assert stages(watching.look())["prepare"] == (1, 0, 0, 0)
    touch(folded / "dataset/manifest.json", *(folded / f"dataset/manifest-fold-{fold}.json" for fold in (0, 2)))
    assert stages(watching.look())["manifest"] == (0, 0, 0, 1)
    touch(folded / "dataset/manifest-fold-1.json")
    assert stages(watching.look())["manifest"] == (1, 0, 0, 0)


def test_a_training_of_a_cross_validation_is_a_model_on_a_fold(folded):
    watching, written = watcher(), WrittenLog(Path())
    touch(folded / "models/net/runs.json")  # of the study before it had folds
    assert stages(watching.look())["train"] == (0, 0, 0, 6)
    touch(folded / "models/net/fold-0/runs.json")
    written.start("train_fold", "a.log", study="curve", model="net", fold="1")
    job = written.start("train_fold", "b.log", study="curve", model="second", fold="2")
    Path("b.log").write_text("no memory\n")
    written.fail(job, "train_fold", "b.log")
    written.start("prepare_3_folds", "c.log", study="curve", shard="0000")
    snapshot = watching.look()
    assert stages(snapshot)["train"] == (1, 1, 1, 3)
    assert stages(snapshot)["prepare"] == (0, 1, 0, 0)
    (failure,) = snapshot.failures
    assert (failure.rule, failure.item, failure.lines) == ("train", "second/fold-2", ("no memory",))


def test_trainings_have_their_fold_and_are_interrupted_each_for_itself(folded):
    dead = 2**22 + 1
    write_progress(Path("runs/a"), fold=1, seed=1)
    write_progress(Path("runs/b"), fold=0, pid=dead)
    write_progress(Path("runs/c"), fold=2, pid=dead)
    write_progress(Path("runs/d"), pid=dead)  # as the study was before it had folds
    write_progress(Path("runs/e"), fold=7, pid=dead)
    touch(folded / "models/net/fold-2/runs.json")
    found = [(training.fold, training.seed, training.state) for training in watcher().look().trainings]
    assert found == [(1, 1, "running"), (0, 0, "interrupted")]


@pytest.mark.parametrize("fold", [-1, "../../x", 1e300, None, True, [], 1e-9])
def test_no_fold_of_a_file_leads_elsewhere(tmp_path, fold):
    write_progress(tmp_path / "runs/a", fold=fold)
    runs = LiveRuns(tmp_path / "runs")
    runs.look()
    (training,) = runs.trainings.values()
    assert training.key.item in ("net", "net/fold-0")


def test_tensorboard_names_runs_by_their_fold(folded, tmp_path):
    for name, fold, updated in (("a" * 20, 0, 10), ("b" * 20, 1, 20), ("c" * 20, 0, 30)):
        write_progress(Path("runs") / name, fold=fold, updated=updated)
        touch(Path("runs") / name / "tensorboard/events.out")
    record = folded / "models/net/fold-0/runs.json"
    touch(record)
    record.write_text(json.dumps({"runs": [{"seed": 0, "digest": "a" * 64}]}))
    watching, links = watcher(), tmp_path / "links"
    assert watching.models["curve"] == [f"{model}/fold-{fold}" for model in ("net", "second") for fold in range(3)]
    links.mkdir()
    RunLinks(links, Path("results"), LiveRuns(Path("runs"))).refresh(watching.models)
    found = {path.relative_to(links).as_posix(): path.resolve().parent.name[0] for path in links.glob("*/*/*/*")}
    assert found == {"curve/net/fold-0/seed-0": "a", "curve/net/fold-1/seed-0": "b"}


def benchmark(rule: str, name: str, seconds: float) -> None:
    path = Path(f"results/benchmarks/{rule}/{name}.tsv")
    touch(path)
    path.write_text(f"s\th:m:s\n{seconds}\t0\n")


def test_the_time_of_a_fold_is_its_own_or_that_of_the_models_other_folds(folded):
    benchmark("train", "curve/net/fold-0", 60.0)
    benchmark("train", "curve/net/fold-1", 20.0)
    (study,) = watcher().look().studies
    assert study.seconds_left == pytest.approx(60 + 20 + 40)
    touch(folded / "models/net/fold-0/runs.json")
    write_progress(Path("runs/a"), fold=2, seconds_left=5.0, started=time.time() - 10, updated=time.time())
    (study,) = watcher().look().studies
    assert study.seconds_left == pytest.approx(20 + 5 + (10 + 5), abs=1)  # and the second of two seeds


def test_measured_rates_are_those_of_the_samples_of_a_fold(folded):
    """Each fold trains on 600 samples and validates 200, each at a third of the cost, for 6 epochs of 2 seeds; all
    900 are evaluated by 2 networks."""
    fits = {
        "architecture": "mlp", "start": 5.0, "seconds": 1e-3, "evaluate_start": 2.0, "evaluate_seconds": 1e-3,
        "memory_mb": 1, "bytes": 1, "evaluate_bytes": 1,
    }  # fmt: skip
    rates = {
        "date": "x", "machine": "x", "scale": "demo", "fits": {"net": fits, "second": fits},
        "report_seconds": 3.0, "report_bytes": 1,
        "simulate": {"start": 1.0, "seconds": 1.0, "events": 50, "samples": 1, "bytes": 1, "memory_mb": 1},
        "prepare": {
            "seconds": 1, "samples_per_raw": 1, "bytes": 1, "memory_bytes": 1, "memory_mb": 1, "manifest_seconds": 0,
            "observables_seconds": 1e-2,
        },
    }  # fmt: skip
    Path("config/rates.yaml").write_text(rates_text(Rates.model_validate({"studies": {"curve": rates}})))
    splits = {f"manifest-fold-{fold}.json": {"train": 600, "val": 200, "test": 100} for fold in range(3)}
    for name, of_name in ({"manifest.json": {"test": 900}} | splits).items():
        touch(folded / "dataset" / name)
        entries = {split: [{"samples": n}] for split, n in of_name.items()}
        (folded / "dataset" / name).write_text(json.dumps({"splits": entries}))
    snapshot = watcher().look()
    (study,) = snapshot.studies
    train, evaluate = 5 + 2 * 6 * (600 + 200 / 3) * 1e-3, 2 + 2 * 900 * 1e-3
    simulate, observables = 1 + 50, 1 + 9
    assert study.seconds_left == pytest.approx(simulate + observables + 6 * train + 2 * evaluate + 3, abs=0.1)
    assert study.unknown_jobs == 1  # prepare


def test_the_longest_chain_has_one_fold_of_one_model():
    longest = {
        "simulate": {"": 1.0}, "prepare": {"": 2.0}, "train": {"a": 10.0, "b": 30.0}, "evaluate": {"a": 50.0, "b": 5.0},
        "simulate_variation": {"": 40.0}, "evaluate_variation": {"a": 1.0, "b": 8.0}, "report_study": {"": 100.0},
    }  # fmt: skip
    assert longest_chain(longest, ["a", "b"]) == 1 + 2 + 10 + 50 + 100
    longest["evaluate"]["a"] = 0.0
    assert longest_chain(longest, ["a", "b"]) == 40 + 8 + 100  # the variation's data are later than the training
    assert longest_chain(longest | {"apply": {"a": 9.0}}, ["a", "b"]) == 40 + 1 + 9 + 100
    assert longest_chain({}, ["a"]) == 0.0


def test_jobs_of_variations_are_counted_from_their_files_and_the_log(varied):
    watching, written = watcher(), WrittenLog(Path())
    found = stages(watching.look())
    assert {name: n for name, n in found.items() if name.endswith("_variation")} == {
        "simulate_variation": (0, 0, 0, 2), "prepare_variation": (0, 0, 0, 2), "manifest_variation": (0, 0, 0, 2),
        "evaluate_variation": (0, 0, 0, 4),
    }  # fmt: skip
    folder = varied / "variations/up"
    touch(folder / "raw/shard-0000.h5", folder / "dataset/test-0000.h5", folder / "dataset/manifest.json")
    touch(folder / "evaluation/net/metrics.json")
    job = written.start("evaluate_variation", "a.log", study="curve", variation="down", model="net")
    written.fail(job, "evaluate_variation", "a.log")
    written.start("simulate_variation", "b.log", study="curve", variation="down", shard="0000")
    snapshot = watching.look()
    found = stages(snapshot)
    assert found["simulate_variation"] == (1, 1, 0, 0)
    assert found["prepare_variation"] == found["manifest_variation"] == (1, 0, 0, 1)
    assert found["evaluate_variation"] == (1, 0, 1, 2)
    assert [found[name] for name in ("simulate", "prepare", "manifest")] == [(0, 0, 0, 1)] * 3
    assert [(failure.rule, failure.item) for failure in snapshot.failures] == [("evaluate_variation", "down/net")]


def test_a_variation_takes_as_long_as_the_nominal_job_where_it_was_not_measured(varied):
    benchmark("simulate", "curve/shard-0000", 10.0)
    benchmark("simulate", "curve/up/shard-0000", 30.0)
    benchmark("evaluate", "curve/net", 7.0)
    (study,) = watcher().look().studies
    assert study.seconds_left == pytest.approx(10 + 30 + 10 + 7 + 2 * 7)


def test_exports_and_scores_are_shown_where_they_were_asked_for_or_are_there(varied):
    Path("new").mkdir()
    for name in ("new/x.csv", "new/y.csv.gz", "new/notes.txt"):
        touch(Path(name))
    watching = watcher()
    assert not {"export", "apply"} & stages(watching.look()).keys()
    touch(varied / "scores/new/net/x.csv", varied / "scores/new/net/x.csv.part")
    assert stages(watching.look())["apply"] == (1, 0, 0, 0)
    written = WrittenLog(Path())
    written.start("apply_model", "a.log", study="curve", application="new", model="second", stem="x", format="csv")
    assert stages(watching.look())["apply"] == (1, 1, 0, 0)
    write_workflow_record("demo", ["curve"], None, {"apply"})
    found = stages(watching.look())
    assert found["apply"] == (1, 1, 0, 2 * 2 + 2 - 2)  # x and other.csv in new, a in onnx, for two models
    assert found["export"] == (0, 0, 0, 2)  # of which the onnx entry makes use
    write_workflow_record("demo", ["curve"], None, {"results/curve/export/net/export.json"})
    assert stages(watching.look())["export"] == (0, 0, 0, 1)
    write_workflow_record("demo", ["curve"], None, {"export"})
    touch(varied / "export/net/export.json")
    assert stages(watching.look())["export"] == (1, 0, 0, 1)


def test_a_file_of_scores_may_have_any_name(varied):
    written = WrittenLog(Path())
    names = {"application": "new", "model": "net", "stem": "ä, b=1 c", "format": "csv"}
    job = written.start("apply_model", "a.log", study="curve", **names)
    written.fail(job, "apply_model", "a.log")
    assert [failure.item for failure in watcher().look().failures] == ["new/net/ä, b=1 c.csv"]


@pytest.mark.parametrize("targets", [None, "apply", 3, [1, None, "x\x00/../y"], {"export": 1}, [["export"]]])
def test_targets_that_are_no_sense_are_passed_over(varied, targets):
    write_workflow_record("demo", ["curve"], None)
    RECORD.write_text(json.dumps(json.loads(RECORD.read_text()) | {"targets": targets}))
    assert watcher().look().workflow.scale == "demo"


def test_exports_of_folds_are_each_of_a_fold(folded):
    write_workflow_record("demo", ["curve"], None, ["export"])
    touch(folded / "export/net/fold-1/export.json")
    assert stages(watcher().look())["export"] == (1, 0, 0, 5)
