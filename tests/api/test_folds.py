"""Cross-validation in notebooks: the network that has not seen a fold, and the predictions of all of them."""

import shutil

import numpy as np
import pytest
import yaml

import bevatron
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.evaluate.stage import evaluate_model


@pytest.fixture(scope="module")
def project(folded, tmp_path_factory):
    """A project in which the folds of `net` are trained and evaluated."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "config" / "studies").mkdir(parents=True)
    (folder / "config" / "config.yaml").write_text("studies: [folded]\n")
    study = folded.study.model_dump(mode="json")
    (folder / "config" / "studies" / "folded.yaml").write_text(yaml.safe_dump(study))
    results, runs = folder / "results" / "folded", folded.runs("net")
    manifest, workflow = folded.dataset / "manifest.json", Workflow(studies=["folded"], accelerator="cpu")
    evaluate_model(folded.study, workflow, "net", manifest, runs, results / "evaluation" / "net")
    shutil.copytree(folded.dataset, results / "dataset")
    shutil.copytree(runs[0].parents[1], results / "models" / "net")
    return folder


def test_the_network_of_a_fold_predicts_what_was_published(project):
    found = bevatron.predictions("folded", "net", project=project)
    test = bevatron.open_dataset("folded", project=project).to_numpy("test")
    assert (found.id == test["id"]).all()
    for fold in range(3):
        rows = found.fold == fold
        network = bevatron.load_model("folded", "net", seed=1, fold=fold, project=project)
        expected = network.predict({"jet": test["jet"][rows]})
        assert np.allclose(found.probabilities()[1][rows], expected, atol=1e-5)
    assert sorted(found.to_pandas()["fold"].unique()) == [0, 1, 2]
    assert bevatron.metrics("folded", project=project).loc[("net", "accuracy"), "fold_std"] > 0


@pytest.mark.parametrize("fold", [None, 3, -1])
def test_a_fold_that_is_not_there_is_refused(project, fold):
    with pytest.raises(UserError, match=r"fold: found .*, and folded has 3 folds; give one of 0 to 2"):
        bevatron.load_model("folded", "net", fold=fold, project=project)


def test_what_is_learned_from_is_not_in_the_whole(project):
    with pytest.raises(UserError, match="has no split 'train'"):
        bevatron.open_dataset("folded", project=project).to_numpy("train")
