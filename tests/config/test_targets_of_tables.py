"""What `bevatron validate` says of a task and a table's target that do not fit."""

import pytest
import yaml
from numbers_and_labels import study_of

from bevatron.config.loading.load import find_validation_errors


def errors_of(folder, change) -> list[str]:
    tree = study_of("labels", folder).model_dump(mode="json")
    for key, value in change.items():
        *path, leaf = key.split(".")
        branch = tree
        for step in path:
            branch = branch[step]
        branch[leaf] = value
    studies = folder / "studies"
    studies.mkdir(exist_ok=True)
    (studies / "labels.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    (folder / "config.yaml").write_text("studies: [labels]\n")
    return find_validation_errors(folder / "config.yaml", studies)


def test_what_fits_is_valid(tmp_path):
    assert errors_of(tmp_path, {}) == []
    regression = {"kind": "regression", "target": "momenta", "loss": "gaussian_nll"}
    assert errors_of(tmp_path, {"task": regression, "models.net.target": "energy"}) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"task.target": "tag"},
            "task.target: simulation.source.targets has no 'tag' (did you mean 'tags'?); allowed: energy, momenta",
        ),
        ({"task.target": "momenta"}, "'momenta' has values, a multi_label needs labels; the task for values is regre"),
        ({"task": {"kind": "regression", "target": "tags"}}, "'tags' has labels, a regression needs value or values"),
        ({"task": {"kind": "regression", "target": "side"}}, "'side' has classes, a regression needs value or values"),
        (
            {"task": {"kind": "classification", "target": "momenta", "classes": ["a", "b"], "signal": "a"}},
            "'momenta' has values, a classification needs classes or value",
        ),
        ({"task": {"kind": "reconstruction", "target": "energy"}}, "a reconstruction has no target in a table"),
        ({"task": {"kind": "regression", "target": "energy", "truth": "tags"}}, "task.truth: 'tags' has labels"),
        ({"task.thresholds": {"hihg": 0.5}}, "task.thresholds: unknown label 'hihg'; allowed: right, high, odd, one"),
        ({"task.threshold": 1.5}, "task.threshold: must be less than or equal to 1, found 1.5"),
        ({"task": {"kind": "regression", "target": "energy", "loss": "gauss"}}, "task.loss: found 'gauss'; allowed:"),
        (
            {"task": {"kind": "classification", "target": "side", "classes": ["not_left", "left"], "signal": "left"}},
            "task.classes: not_left, left; simulation.source.targets.side numbers them left, not_left; give",
        ),
        ({"models.net.target": "side"}, "models.net.target: 'side' has classes, a multi_label needs labels"),
        ({"models.net.training.balance": "weights"}, "balance: 'weights' needs a task with classes"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(change, message, tmp_path):
    (line,) = errors_of(tmp_path, change)
    assert message in line


def test_names_that_cannot_be_shown_are_refused(tmp_path):
    targets = {"tags": {"labels": {"a\nb": "x > 0", "c": "x < 0"}}}
    (line,) = errors_of(tmp_path, {"simulation.source.targets": targets, "task.thresholds": {}})
    assert "has signs or spaces that cannot be shown" in line


def test_another_order_of_the_classes_is_another_dataset(tmp_path):
    """The order numbers the classes: shards of another order must not be taken for these."""
    from bevatron.config.loading.identity import raw_digest
    from bevatron.config.sections.study import Study

    study = study_of("several", tmp_path)
    payload = study.model_dump(mode="json")
    assert Study.model_validate(payload) == study
    assert raw_digest(Study.model_validate(payload)) == raw_digest(study)
    payload["simulation"]["source"]["targets"]["side"]["classes"] = {"not_left": "x >= 0", "left": "x < 0"}
    assert raw_digest(Study.model_validate(payload)) != raw_digest(study)
