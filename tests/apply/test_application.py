"""The section `apply` of a study: what it may name, and that nothing depends on it."""

import pytest
from applied import MODELS, SOURCE

from bevatron.config.loading.application_files import application_files
from bevatron.config.loading.digest import digest_of
from bevatron.config.loading.identity import dataset_digest, run_digest
from bevatron.config.sections.application import Application
from bevatron.config.sections.study import Study
from bevatron.errors import UserError

TREE = {
    "name": "applied", "title": "Applied", "summary": "Jets",
    "simulation": {"source": {**SOURCE, "files": ["data.root"]}, "shards": 1},
    "dataset": {"recipe": {"kind": "table"}},
    "task": {"kind": "classification", "target": "flavour", "classes": ["light", "heavy"], "signal": "heavy"},
    "models": MODELS,
}  # fmt: skip
ENTRY = {"files": ["run_*.root"], "models": ["mlp"], "seed": 1, "observers": ["pt", "eta"], "tree": "jets"}


def test_no_digest_depends_on_it():
    plain, applied = Study.model_validate(TREE), Study.model_validate(TREE | {"apply": {"analysis": ENTRY}})
    assert digest_of(plain) == digest_of(applied)
    assert dataset_digest(plain) == dataset_digest(applied)
    digests = {run_digest(study, study.models["mlp"], "0" * 64, 0, "") for study in (plain, applied)}
    assert len(digests) == 1


def test_its_options_are_those_of_the_command():
    assert Application.model_validate(ENTRY).options == ["--seed=1", "--observer=pt", "--observer=eta", "--tree=jets"]
    assert Application.model_validate({"files": ["x"]}).options == []
    assert Application.model_validate({"all_folds": True}).options == ["--all-folds"]


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        ({"files": []}, r"apply.analysis.files: name one at least"),
        ({"models": ["mpl"]}, r"apply.analysis.models: unknown model 'mpl' \(did you mean 'mlp'\?\)"),
        ({"models": ["mlp", "mlp"]}, r"'mlp' stands twice"),
        ({"seed": 3}, r"apply.analysis.seed: there are 3 seeds, from 0"),
        ({"format": "hdf"}, r"format"),
        ({"all_folds": True}, r"apply.analysis.all_folds: the study has no folds"),
    ],
)
def test_a_mistake_is_named(entry, match):
    with pytest.raises(ValueError, match=match):
        Study.model_validate(TREE | {"apply": {"analysis": ENTRY | entry}})


def test_files_by_their_stems(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("run_2.root", "run_1.csv.gz", "run[3].root", "other.root"):
        (tmp_path / name).touch()
    found = application_files(["run_*", "run[3].root", "later.h5"], "apply")
    assert found == {"run_1": "run_1.csv.gz", "run_2": "run_2.root", "run[3]": "run[3].root", "later": "later.h5"}
    assert application_files(["nothing_*"], "apply") == {}
    assert application_files(["run_2.root", "run_*.root"], "apply") == {"run_2": "run_2.root"}
    with pytest.raises(
        UserError, match=r"apply: the scores of 'run_2\.root' and of 'sub/run_2\.h5' would have one name"
    ):
        application_files(["run_2.root", "sub/run_2.h5"], "apply")
    with pytest.raises(UserError, match="has braces"):
        application_files(["{study}.root"], "apply")
