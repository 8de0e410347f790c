"""A training says in progress.json how far it is, and how it ended."""

import csv
import json
import os
from dataclasses import replace

import pytest

from bevatron.compute.process.sigterm import StopRequested
from bevatron.config.sections.workflow import DataLoading
from bevatron.training import run_progress
from bevatron.training.fit import fit
from bevatron.training.job import Diverged, FitJob


@pytest.fixture
def job(curve, tmp_path):
    model = curve.study.models["net"]
    return FitJob(curve.study, model, curve.manifest, 1, tmp_path / "fit", DataLoading(), "cpu", name="net", loggers=())


def read(job: FitJob) -> dict:
    return json.loads((job.folder / "progress.json").read_text())


def test_it_has_the_numbers_of_the_history_and_ends_as_finished(job, monkeypatch):
    monkeypatch.setattr(run_progress, "SECONDS_BETWEEN_WRITES", 0.0)
    seen = []
    result = fit(job, lambda row: seen.append(read(job)))
    assert [found["state"] for found in seen] == ["running"] * 6
    with (job.folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    for found, row in zip(seen[1:], rows[:-1], strict=True):  # a write follows its validation
        assert found["epoch"] == int(row["epoch"])
        assert (found["train_loss"], found["val_loss"]) == (float(row["train_loss"]), float(row["val_loss"]))
        assert found["seconds_left"] > 0
    last = read(job)
    assert (last["state"], last["study"], last["model"], last["seed"], last["pid"]) == (
        "finished", "curve", "net", 1, os.getpid(),
    )  # fmt: skip
    assert (last["epoch"], last["epochs"], last["step"], last["steps"]) == (6, 6, result.steps, result.steps)
    assert last["best_val_loss"] == result.best_val_loss
    assert last["samples_per_second"] > 0
    assert 0 <= last["data_wait"] <= 1


def test_it_has_the_fold_that_is_left_out(job):
    sent = FitJob.from_payload(replace(job, fold=2).as_payload())  # as to several workers
    for made, fold in ((sent, 2), (job, None)):
        job.folder.mkdir(exist_ok=True)
        with run_progress.ProgressFile(made, True):
            assert read(job)["fold"] == fold


def test_it_is_written_seldom(job, monkeypatch):
    writes = []
    monkeypatch.setattr(run_progress, "write_live", lambda path, values: writes.append(values))
    fit(job)
    assert len(writes) <= 5  # start, first step, end, and hardly any between


def test_a_training_that_diverges_or_is_interrupted_says_so(job):
    wild = job.model.with_values({"training.optimiser": "sgd", "training.learning_rate": 1e20})
    with pytest.raises(Diverged):
        fit(replace(job, model=wild))
    found = read(job)
    assert found["state"] == "failed"
    assert "loss" in found["error"]

    def stop(row):
        raise StopRequested

    other = replace(job, folder=job.folder.with_name("other"))
    with pytest.raises(StopRequested):
        fit(other, stop)
    assert read(other)["state"] == "stopped"


def test_trials_have_none(job):
    fit(replace(job, epochs=2))
    assert not (job.folder / "progress.json").exists()


def test_a_file_that_cannot_be_written_ends_no_training(job):
    (job.folder / "progress.json").mkdir(parents=True)
    assert fit(job).epochs == 6
