"""Cross-validation through Snakemake: a job for each model and fold, and one alone where a fold is missing."""

import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from folded_datasets import FOLDED, write_table
from small_checkout import make_checkout, run_snakemake

from bevatron.report.provenance.trace import read_trace
from bevatron.store.records.metrics import read_metrics
from bevatron.store.shards.folds import fold_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path):
    """A copy of the workflow with a study of three folds and one without."""
    source = FOLDED["simulation"]["source"] | {"files": ["data/*.csv"]}
    models = {"fisher": FOLDED["models"]["fisher"]}
    tree = FOLDED | {"simulation": {"source": source}, "models": models, "n_seeds": 1}
    tree["apply"] = {
        "own": {"files": ["data/*.csv"], "format": "csv"},
        "exported": {"files": ["data/*.csv"], "format": "csv", "backend": "onnx", "all_folds": True},
    }
    plain = tree | {"name": "plain", "dataset": {"recipe": {"kind": "table"}}, "apply": {}}
    committee = tree | {"name": "committee", "models": FOLDED["models"], "apply": {}}
    write_table(tmp_path / "data")
    return make_checkout(tmp_path, {study["name"]: study for study in (tree, plain, committee)})


def run(folder: Path, *arguments: str, succeeds: bool = True) -> tuple[dict[str, int], str]:
    """How many jobs of each rule ran, or would run, and what Snakemake said."""
    text = run_snakemake(folder, *arguments, succeeds=succeeds)
    rules = re.findall(r"^ *(?:local)?rule (\w+):$", text, re.M)
    return {rule: rules.count(rule) for rule in rules}, text


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_from_files_to_the_report_and_again_where_a_fold_is_missing(place):
    target = "results/report/folded/index.html"
    jobs, _ = run(place, target)
    assert jobs == {
        "simulate": 1, "prepare_3_folds": 1, "manifest_3_folds": 1, "observables": 1,
        "train_fold": 3, "evaluate_folds": 1, "report_study": 1,
    }  # fmt: skip
    results = place / "results" / "folded"
    metrics = read_metrics(results / "evaluation" / "fisher" / "metrics.json", "folded", "fisher")
    assert metrics.n_test == 600
    assert len(metrics.metrics["accuracy"].per_fold) == 3
    table = (place / "results" / "report" / "folded" / "tables" / "folded_metrics.csv").read_text().splitlines()
    assert table[0].endswith("seed 0,folds' std,fold 0,fold 1,fold 2")
    page = (place / target).read_text()
    assert "fold 2: test" in page
    assert "no part of the error" in page
    trace = read_trace(place / "results" / "report" / "folded")
    assert trace.find_changed(data=True) == ([], [])
    command = next(number["command"] for number in trace.numbers("folded_metrics"))
    assert command.count("--runs results/folded/models/") == 3

    assert run(place, target)[0] == {}

    scores = "results/folded/scores/own/fisher/0.csv"
    assert run(place, scores)[0] == {"apply_model": 1}
    rows = list(csv.DictReader((place / scores).read_text().splitlines()))
    assert len(rows) == 600
    assert all(int(row["fold"]) == fold_of(np.array([int(row["event"])]), 3) for row in rows)

    runs = [results / "models" / "fisher" / f"fold-{fold}" / "runs.json" for fold in range(3)]
    weights = [(path.parent / "seed-0" / "weights.safetensors").read_bytes() for path in runs]
    shutil.rmtree(runs[1].parent)
    assert run(place, str(runs[1].relative_to(place)))[0] == {"train_fold": 1}
    assert weights == [(path.parent / "seed-0" / "weights.safetensors").read_bytes() for path in runs]
    assert run(place, target)[0] == {}  # for what was trained again is the same


@pytest.mark.slow
def test_studies_without_folds_keep_their_jobs_and_unknown_folds_are_named(place):
    jobs, _ = run(place, "-n", "--", "results/report/plain/index.html")
    assert jobs == {
        "simulate": 1, "prepare": 1, "manifest": 1, "observables": 1, "train": 1, "evaluate": 1, "report_study": 1,
    }  # fmt: skip
    jobs, _ = run(place, "-n", "--", "export")
    assert (jobs["export_fold"], jobs["export_model"]) == (3 + 3 * 3, 1)
    _, text = run(place, "-n", "-p", "--", "results/committee/models/committee/fold-2/runs.json")
    calls = re.findall(r"exec bevatron train committee (\w+) (.*)", text)
    assert [name for name, _ in calls][-1] == "committee"
    folder = "results/committee/models"
    assert (
        f"--member=net={folder}/net/fold-2/runs.json --member=fisher={folder}/fisher/fold-2/runs.json" in calls[-1][1]
    )
    assert all("manifest-fold-2.json" in arguments for _, arguments in calls)
    jobs, text = run(place, "-n", "-p", "--", "apply")
    assert (jobs["train_fold"], jobs["export_fold"], jobs["apply_model"]) == (3, 3, 2)
    assert "exec bevatron apply results/folded/models/fisher data/0.csv" in text
    assert re.search(r"exec bevatron apply results/folded/export/fisher data/0\.csv .* --all-folds", text)
    _, text = run(place, "-n", "--", "results/folded/models/fisher/fold-3/runs.json", succeeds=False)
    assert "no fold 3: folded has 3, with the numbers 0 to 2" in text
    assert "Traceback" not in text
