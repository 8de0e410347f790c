"""Raw shards of a source that generates events: a row for each raw sample."""

import numpy as np
import pytest
import uproot
from applied import make_models
from project_files import make_project

from bevatron.apply.stage import apply_model
from bevatron.config.loading import project_modules
from bevatron.config.loading.load import load_study, load_workflow
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.predictions.stored import read_predictions
from bevatron.evaluate.stage import evaluate_model
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.stage import simulate_shard
from bevatron.store.files.names import fold_folder, fold_manifest
from bevatron.store.shards.folds import fold_of
from bevatron.store.shards.shard import read_shard
from bevatron.train.stage import train_model


@pytest.fixture(scope="module")
def applied(curve, tmp_path_factory):
    """The model of the study `curve`, trained and evaluated."""
    return make_models(curve.study, curve.manifest, tmp_path_factory.mktemp("curve") / "results")


def scores_of(path, folder, **options):
    apply_model(folder / "models" / "net", [path], folder / "scores.root", overwrite=True, **options)
    with uproot.open(folder / "scores.root") as file:
        return file["scores"].arrays(library="np")


def test_the_scores_of_a_raw_shard_are_the_predictions(curve, applied):
    found = scores_of(curve.raw, applied, seed=1)
    assert list(found) == ["id", "passed", "prediction"]
    np.testing.assert_array_equal(found["id"], read_shard(curve.raw).id)
    assert found["passed"].all()
    predictions = read_predictions(applied / "evaluation" / "net" / "predictions.h5", "curve", "net")
    rows = np.searchsorted(found["id"], predictions.id)
    np.testing.assert_array_equal(found["prediction"][rows], predictions.outputs[1, :, 0])


def test_a_new_shard_of_the_study_and_one_of_another(curve, applied, tmp_path):
    tree = curve.study.model_dump(mode="json")
    tree["simulation"]["shards"] = 6
    simulate_shard(Study.model_validate(tree), 5, tmp_path / "shard-0005.h5")
    found = scores_of(tmp_path / "shard-0005.h5", applied)
    assert np.isfinite(found["prediction"]).all()
    assert (found["prediction_std"] > 0).all()
    tree["simulation"]["seed"] = 77
    simulate_shard(Study.model_validate(tree), 0, tmp_path / "other.h5")
    with pytest.raises(UserError, match=r"other\.h5: was made from another configuration"):
        apply_model(applied / "models" / "net", [tmp_path / "other.h5"], tmp_path / "scores.root")
    assert not (tmp_path / "scores.root").exists()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"observers": ["x"]}, "has no observer 'x'"),
        ({"tree": "x"}, "raw shards have none"),
        ({"logits": True}, "none"),
    ],
)
def test_what_raw_shards_do_not_have(options, match, curve, applied, tmp_path):
    with pytest.raises(UserError, match=match):
        apply_model(applied / "models" / "net", [curve.raw], tmp_path / "scores.root", **options)


@pytest.fixture
def rings(tmp_path):
    """The study of a project with a source of its own, whose samples have no split."""
    project = make_project(tmp_path / "project")
    load_workflow(project / "config" / "config.yaml")
    yield load_study("rings", "demo", project / "config" / "studies")
    project_modules.use_modules(None)


def test_folds_of_generated_samples(rings, tmp_path):
    """Their ids number them, also those of new shards."""
    tree = rings.model_dump(mode="json")
    tree["dataset"]["folds"] = 2
    study, dataset, folder = Study.model_validate(tree), tmp_path / "dataset", tmp_path / "models" / "net"
    simulate_shard(study, 0, tmp_path / "shard-0000.h5")
    prepare_shard(study, tmp_path / "shard-0000.h5", dataset)
    write_manifest(study, dataset)
    workflow = Workflow(studies=["rings"], runs_dir=str(tmp_path / "runs"), accelerator="cpu")
    runs = [folder / fold_folder(fold) / "runs.json" for fold in range(2)]
    for fold, path in enumerate(runs):
        train_model(study, workflow, "own", dataset / fold_manifest(fold), None, path.parent)
    evaluate_model(study, workflow, "own", dataset / "manifest.json", runs, tmp_path / "evaluation")
    predictions = read_predictions(tmp_path / "evaluation" / "predictions.h5", "rings", "own")
    found = scores_of(tmp_path / "shard-0000.h5", tmp_path, logits=True)
    assert list(found)[:3] == ["id", "fold", "passed"]
    rows = np.searchsorted(found["id"], predictions.id)
    assert len(rows) == len(found["id"]) == 500
    np.testing.assert_array_equal(found["fold"][rows], predictions.fold)
    np.testing.assert_array_equal(found["logit_inside"][rows], predictions.outputs[0, :, 1])
    tree["simulation"]["shards"] = 6
    simulate_shard(Study.model_validate(tree), 5, tmp_path / "shard-0005.h5")
    found = scores_of(tmp_path / "shard-0005.h5", tmp_path)
    np.testing.assert_array_equal(found["fold"], fold_of(found["id"], 2))
