"""What a study may ask of its models: architectures that fit the task, questions, and committees that can be made."""

import json
from pathlib import Path

import pytest
import yaml

from bevatron.config.loading.identity import run_digest
from bevatron.config.loading.load import find_validation_errors
from bevatron.config.sections.study import Study

STUDIES = Path(__file__).parents[2] / "config" / "studies"
MLP = {"kind": "mlp", "widths": [4]}
MODELS = {
    "tracks": {"title": "t", "inputs": ["jet", "tracks"], "architecture": {"kind": "lstm"}},
    "experts": {"title": "e", "inputs": ["jet"], "architecture": MLP, "class_subset": ["beauty", "charm"]},
    "committee": {
        "title": "c",
        "inputs": ["tracks", "jet"],
        "architecture": {"kind": "committee", "members": ["tracks", "experts"]},
    },
}


@pytest.fixture
def mistakes(tmp_path):
    """The lines that are told of the jets study with these models, one of them changed."""
    (tmp_path / "studies").mkdir()
    (tmp_path / "config.yaml").write_text("studies: [jets]\n")
    tree = json.loads(json.dumps(yaml.safe_load((STUDIES / "jets.yaml").read_text())))

    def tell(model: str = "", models: dict | None = None, task: dict | None = None, **changed: object) -> list[str]:
        found = json.loads(json.dumps(MODELS if models is None else models))
        if model:
            found[model].update(changed)
        study = {**tree, "models": found, "claims": [], "evaluation": {}, "scales": {}, "task": task or tree["task"]}
        (tmp_path / "studies" / "jets.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
        return find_validation_errors(tmp_path / "config.yaml", tmp_path / "studies")

    return tell


def test_experts_and_their_committee_are_valid(mistakes):
    assert mistakes() == []


@pytest.mark.parametrize(
    ("model", "changed", "message"),
    [
        ("experts", {"class_subset": ["beauty", "strange"]}, "class_subset: unknown class 'strange'; allowed: "),
        ("experts", {"class_subset": ["charm", "charm"]}, "class_subset: a class stands twice in charm, charm"),
        ("experts", {"class_subset": ["charm"]}, "models.experts.class_subset: must be "),
        ("committee", {"architecture": {"kind": "committee", "members": ["tracks", "trackz"]}},
         "unknown model 'trackz' (did you mean 'tracks'?); allowed: tracks, experts, committee"),
        ("committee", {"architecture": {"kind": "committee", "members": ["tracks", "tracks"]}},
         "models.committee.architecture.members: a model stands twice in tracks, tracks"),
        ("committee", {"architecture": {"kind": "committee", "members": ["tracks", "committee"]}},
         "models.committee.architecture.members: goes round in a circle: committee > committee"),
        ("experts", {"architecture": {"kind": "committee", "members": ["committee"]}},
         "goes round in a circle: experts > committee > experts"),
        ("committee", {"inputs": ["jet"]},
         "models.committee.inputs: must be those of the members together: jet, tracks"),
        ("committee", {"search": {"space": {"training.learning_rate": {"kind": "uniform", "low": 0.1, "high": 1}}}},
         "search: a committee cannot be searched; search its members"),
        ("tracks", {"architecture": {"kind": "transformer", "width": 30}}, "width must be a multiple of heads"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_one_line(mistakes, model, changed, message):
    (line,) = mistakes(model, **changed)
    assert message in line, line


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"architecture": {"kind": "fisher"}}, "models.tracks.architecture: 'fisher' is for the task classification"),
        (
            {"architecture": MLP, "class_subset": ["a", "b"]},
            "models.tracks.class_subset: only a classification has classes",
        ),
    ],
)
def test_what_needs_classes_is_refused_in_a_regression(mistakes, model, message):
    (line,) = mistakes(models={"tracks": {**MODELS["tracks"], **model}}, task={"kind": "regression", "target": "y"})
    assert message in line


def test_a_run_is_another_one_when_its_members_are():
    study = Study.model_validate(
        {
            "name": "s", "title": "s", "summary": "s", "models": MODELS,
            "simulation": {"source": {"kind": "jets"}}, "dataset": {"recipe": {"kind": "jets"}},
            "task": {"kind": "classification", "target": "f", "classes": ["charm", "beauty"], "signal": "beauty"},
        }
    )  # fmt: skip
    model = study.models["committee"]
    one = run_digest(study, model, "m", 0, "in memory", {"tracks": "a", "experts": "b"})
    assert one == run_digest(study, model, "m", 0, "in memory", {"experts": "b", "tracks": "a"})
    assert one != run_digest(study, model, "m", 0, "in memory", {"tracks": "a", "experts": "c"})
    net = study.models["tracks"]
    assert run_digest(study, net, "m", 0, "in memory") == run_digest(study, net, "m", 0, "in memory", {})
