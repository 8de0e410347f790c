"""The keys of a tagger's performance: what they reject, and that studies without them stay the same."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from bevatron.config.loading.digest import canonical, digest_of
from bevatron.config.sections.data_part import Evaluation
from bevatron.config.sections.performance import Discriminant
from bevatron.config.sections.study import Study

TREE = {
    "name": "tagger",
    "title": "Tagger",
    "summary": "Jets.",
    "simulation": {"source": {"kind": "jets"}},
    "dataset": {"recipe": {"kind": "jets"}},
    "task": {"kind": "classification", "target": "flavour", "classes": ["light", "charm", "beauty"],
             "signal": "beauty"},
    "models": {"net": {"title": "Net", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": [4]}}},
}  # fmt: skip
PT = {"title": "pt", "group": "jet", "feature": "pt"}


def study(**evaluation):
    return Study.model_validate(copy.deepcopy(TREE) | {"evaluation": evaluation})


def test_an_evaluation_without_them_has_the_digest_it_had_before():
    plain = {"bootstrap": 200, "confidence": 0.68, "observables": {}, "inspect_layers": [], "validate_source": False}
    assert canonical(Evaluation()) == canonical(plain)
    assert canonical(study(working_points=[0.7])) == canonical(study())
    assert not set(Evaluation.LATER) & set(Evaluation().model_dump())


@pytest.mark.parametrize("changed", [
    {"discriminants": {"d": {"fractions": {"light": 1}}}}, {"working_points": [0.6]}, {"profiles": {"pt": PT}},
    {"reference": "net"}, {"importance": {}}, {"filter_tuning": ["net"]}])  # fmt: skip
def test_each_of_them_changes_the_digest_and_is_read_back(changed):
    made = study(**changed)
    assert digest_of(made) != digest_of(study())
    assert Study.model_validate(made.model_dump(mode="json")) == made


def test_fractions_are_scaled_to_one_and_those_of_nothing_left_out():
    assert Discriminant(fractions={"light": 3, "charm": 1, "tau": 0}).normalised() == {"light": 0.75, "charm": 0.25}
    assert Discriminant(fractions={"light": 5e300, "charm": 1e-300}).normalised() == {"light": 1.0}


@pytest.mark.parametrize(("evaluation", "words"), [
    ({"discriminants": {"d": {"fractions": {"ligth": 1}}}}, "d: unknown class 'ligth' (did you mean 'light'?)"),
    ({"discriminants": {"d": {"fractions": {"beauty": 1}}}}, "'beauty' is the signal"),
    ({"discriminants": {"d": {"signal": "charm", "fractions": {"charm": 1}}}}, "'charm' is the signal"),
    ({"discriminants": {"d": {"signal": "tau", "fractions": {"charm": 1}}}}, "unknown class 'tau'"),
    ({"discriminants": {"d": {"fractions": {"light": 0}}}}, "at least one must be above 0"),
    ({"discriminants": {"d": {"fractions": {"light": 1e308, "charm": 1e308}}}}, "and their sum finite"),
    ({"discriminants": {"d": {"fractions": {"light": -1}}}}, "greater than or equal to 0"),
    ({"discriminants": {"d": {"fractions": {}}}}, "at least 1"),
    ({"working_points": [1.0]}, "between 0 and 1, found 1"),
    ({"working_points": [0.5, 0.5]}, "stands twice"),
    ({"working_points": []}, "at least 1"),
    ({"profiles": {"pt": PT | {"bins": [2.0, 1.0]}}}, "must rise, found 2, 1"),
    ({"profiles": {"pt": PT | {"observer": "pt"}}}, "either 'feature' with its 'group', or 'observer'"),
    ({"profiles": {"pt": {"title": "pt", "feature": "pt"}}}, "needs its 'group'"),
    ({"profiles": {"pt": PT | {"unit": "GeV"}}}, "a feature has that of the dataset"),
    ({"reference": "nett"}, "reference: unknown model 'nett' (did you mean 'net'?)"),
    ({"importance": {"models": ["nett"]}}, "importance.models: unknown model 'nett'"),
    ({"filter_tuning": ["nett"]}, "filter_tuning: unknown model 'nett' (did you mean 'net'?)"),
    ({"importance": {"repeats": 0}}, "greater than or equal to 1"),
])  # fmt: skip
def test_what_cannot_be_is_rejected_in_words(evaluation, words):
    with pytest.raises(ValidationError, match=re.escape(words)):
        study(**evaluation)


def test_the_example_of_the_guide_is_a_valid_section():
    text = (Path(__file__).parents[2] / "docs" / "how-to" / "tagger-plots.md").read_text()
    section = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    tree = copy.deepcopy(TREE) | section
    tree["models"]["baseline"] = tree["models"].pop("net")
    others = {"filter_tuning", "loss_at", "check_gradients", "vertices"}  # no plots of a tagger
    assert set(Study.model_validate(tree).evaluation.model_dump()) > set(Evaluation.LATER) - others


def test_other_tasks_have_no_discriminants_and_detections_no_importance():
    tree = copy.deepcopy(TREE) | {"task": {"kind": "regression", "target": "y"}}
    for evaluation in (
        {"discriminants": {"d": {"fractions": {"light": 1}}}},
        {"profiles": {"pt": PT}},
        {"filter_tuning": ["net"]},
    ):
        with pytest.raises(ValidationError, match="only a classification has any, this is a regression"):
            Study.model_validate(tree | {"evaluation": evaluation})
    Study.model_validate(tree | {"evaluation": {"importance": {}}})
    tree["task"] = {"kind": "reconstruction", "target": "image"}
    tree["models"]["net"]["architecture"] = {"kind": "convolutional_autoencoder"}
    with pytest.raises(ValidationError, match="features of a reconstruction are not looked at"):
        Study.model_validate(tree | {"evaluation": {"importance": {}}})
