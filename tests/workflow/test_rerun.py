"""A stage that runs again on unchanged inputs, in another process and folder, publishes the same bytes."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

RUN = """
import json, sys
from bevatron import cli
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["bevatron", *arguments]
    try:
        cli.main()
    except SystemExit as end:
        if end.code:
            sys.exit(f"{arguments}: exit code {end.code}")
"""
# Wall-clock time is all that may differ: in these keys and columns, and in the checksums of files that hold them.
CLOCK = {"seconds", "samples_per_second", "data_wait", "seconds_in_generator", "share_in_generator"}
HOLDING_CLOCK = {"history.csv", "run.json", "trials.csv", "sha256"}  # the last is a file's digest of its own content


def commands(given: Path, made: Path) -> list[tuple[str, ...]]:
    """The whole row of one study: each stage reads from `given` and writes to `made`."""
    study, manifest = ("curve", "net"), ("--manifest", f"{given}/dataset/manifest.json")
    return [
        ("simulate", "curve", "--shard", "0", "--output", f"{made}/raw/shard-0000.h5"),
        ("prepare", "curve", "--raw", f"{given}/raw/shard-0000.h5", "--output", f"{made}/dataset"),
        ("manifest", "curve", "--dataset", f"{made}/dataset"),
        ("observables", "curve", *manifest, "--output", f"{made}/evaluation/data.json"),
        ("search", *study, *manifest, "--output", f"{made}/search/net", "--cpus", "1"),
        ("train", *study, *manifest, "--best", f"{given}/search/net/best.yaml", "--output", f"{made}/models/net"),
        (
            "evaluate",
            *study,
            *manifest,
            "--runs",
            f"{given}/models/net/runs.json",
            "--output",
            f"{made}/evaluation/net",
        ),
        ("report-study", "curve", "--results", str(given.parent), "--output", f"{made.parent}/report/curve"),
        ("report", "--study", "curve", "--results", str(given.parent), "--output", f"{made.parent}/report"),
    ]


@pytest.fixture(scope="module")
def twice(curve, tmp_path_factory):
    """The results folders of a row and of every stage of it again, from the first one's files."""
    tree = json.loads(curve.study.model_dump_json())
    space = {"training.learning_rate": {"kind": "log_uniform", "low": 0.001, "high": 0.1}}
    tree["models"]["net"]["search"] = {"space": space, "trials": 4, "epochs": 3, "cpus_per_trial": 1}
    reference = {"model": "net", "metric": "relative_deviation"}
    test = {"kind": "above", "metric": reference, "threshold": 0.01}
    tree["claims"] = [{"id": "one", "statement": "It does not fit.", "source": "this test", "test": test}]
    places = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    for seed, place in enumerate(places):
        (place / "config" / "studies").mkdir(parents=True)
        (place / "config" / "config.yaml").write_text("studies: [curve]\naccelerator: cpu\n")
        (place / "config" / "studies" / "curve.yaml").write_text(yaml.safe_dump(tree))
        row = commands(places[0] / "results" / "curve", place / "results" / "curve")
        environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
        done = subprocess.run(
            [sys.executable, "-c", RUN, json.dumps(row)], cwd=place, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return [place / "results" for place in places]


def files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def without_clock(path: Path) -> object:
    """The file's bytes; of JSON and CSV files that hold wall-clock times, the rest of them."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [{k: v for k, v in row.items() if k not in CLOCK} for row in csv.DictReader(file)]
    if path.suffix == ".json":
        return _pruned(json.loads(path.read_text()))
    return path.read_bytes()


def _pruned(value: object) -> object:
    if isinstance(value, dict):
        return {k: _pruned(v) for k, v in value.items() if k not in CLOCK | HOLDING_CLOCK}
    return [_pruned(v) for v in value] if isinstance(value, list) else value


IDENTICAL = [
    "curve/raw/shard-0000.h5",
    "curve/dataset/train-0000.h5",
    "curve/dataset/val-0000.h5",
    "curve/dataset/test-0000.h5",
    "curve/dataset/manifest.json",
    "curve/evaluation/data.json",
    "curve/evaluation/net/predictions.h5",
    "curve/evaluation/net/metrics.json",
    "curve/search/net/best.yaml",
    "curve/search/net/search.png",
    "curve/models/net/seed-0/weights.safetensors",
    "curve/models/net/seed-1/weights.safetensors",
    "curve/models/net/seed-0/model.json",
    "report/index.html",
    "report/plotly.min.js",
    "report/provenance.json",
    "report/tables/claims.csv",
    "report/curve/index.html",
    "report/curve/claims.json",
    "report/curve/explore.html",
    "report/curve/provenance.json",
    "report/curve/tables/curve_metrics.csv",
    "report/curve/tables/curve_search.csv",
]
APART_FROM_THE_CLOCK = [
    "curve/raw/shard-0000.timing.json",
    "curve/search/net/trials.csv",
    "curve/search/net/search.json",
    "curve/models/net/runs.json",
    "curve/models/net/seed-0/history.csv",
    "curve/models/net/seed-0/run.json",
]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_stage_repeats_its_files_byte_for_byte(twice):
    first, second = (files(folder) for folder in twice)
    assert list(first) == list(second)
    assert set(IDENTICAL + APART_FROM_THE_CLOCK) <= set(first)
    changed = [name for name in first if first[name].read_bytes() != second[name].read_bytes()]
    clocked = [name for name in changed if Path(name).name in {Path(n).name for n in APART_FROM_THE_CLOCK}]
    assert changed == clocked, "files that differ, and hold no clock"
    for name in clocked:
        assert without_clock(first[name]) == without_clock(second[name]), name


@pytest.mark.slow
def test_the_report_of_a_rerun_names_the_same_origin_for_every_number(twice):
    from bevatron.report.provenance.trace import read_trace

    first, second = (read_trace(folder / "report", twice[0]) for folder in twice)
    assert first.numbers() == second.numbers()
    assert second.find_changed(data=True) == ([], [])
