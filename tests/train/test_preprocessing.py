"""preprocessing.json beside runs.json: the study's own settings, no part of what a run is, added without a fit."""

import shutil

import numpy as np
import pytest
from applied import MODELS, SOURCE, jets, make, write_root

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.workflow import Workflow
from bevatron.store.records.preprocessing import read_preprocessing
from bevatron.train.stage import train_model


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("trained")
    file = write_root(place / "jets.root", jets(400, 1))
    return make(place, SOURCE, {"mlp": MODELS["mlp"]}, [file])


def train_again(made) -> None:
    workflow = Workflow(studies=["applied"], runs_dir=str(made.results.parent / "runs"), accelerator="cpu")
    train_model(made.study, workflow, "mlp", made.manifest, None, made.model("mlp"))


def test_it_holds_what_makes_the_samples(made):
    record = read_preprocessing(made.model("mlp") / "preprocessing.json", "applied", "mlp")
    data = record.data_part(made.model("mlp"))
    assert dataset_digest(data) == dataset_digest(made.study) == record.dataset_digest
    features = made.study.simulation.source.groups["jet"].features
    assert list(data.simulation.source.groups["jet"].features.items()) == list(features.items())  # in their order
    assert record.groups["jet"].features == ("pt", "abs_eta", "met", "met_missing")
    total, number = record.sums["jet.met"].array
    assert number > 0
    assert total / number == pytest.approx(30, rel=0.3)  # the mean of what is not missing
    assert np.isfinite(total)


def test_a_model_without_it_gets_it_and_is_not_fitted_again(made):
    path, runs = made.model("mlp") / "preprocessing.json", made.model("mlp") / "runs.json"
    before = path.read_bytes(), runs.read_bytes()  # runs.json has the time of the fit
    path.unlink()
    train_again(made)
    assert (path.read_bytes(), runs.read_bytes()) == before


def test_without_the_sums_the_model_is_published_and_the_log_says_what_is_missing(made, told):
    totals = made.results / "totals.json"
    kept = shutil.move(totals, totals.with_name("kept.json"))
    train_again(made)
    assert (made.model("mlp") / "runs.json").exists()
    assert not (made.model("mlp") / "preprocessing.json").exists()
    (line,) = [record.message for record in told if "cannot be applied to new files" in record.message]
    assert str(totals) in line
    shutil.move(kept, totals)
    train_again(made)
    assert (made.model("mlp") / "preprocessing.json").exists()
