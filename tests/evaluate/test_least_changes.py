"""The evaluation's metrics of smallest changes, of linear networks whose plane is known."""

import numpy as np
import pytest

from bevatron.config.sections.study import Study
from bevatron.config.sections.task import Attacks, LeastChange
from bevatron.evaluate.stage import evaluate_model
from bevatron.json_text import read_json

ATTACKS = {"epsilons": [1.0], "range": [-100.0, 100.0], "least_change": {"samples": 40, "trials": 14}}


@pytest.fixture
def measured(study, workflow, dataset, trained, tmp_path):
    """metrics.json of the two networks, which attend to pt alone."""

    def measure(**changes):
        task = study.task.model_dump() | {"attacks": ATTACKS | changes}
        attacked = study.model_copy(update={"task": type(study.task).model_validate(task)})
        evaluate_model(attacked, workflow, "linear", dataset[0], trained, tmp_path / "out")
        return read_json(tmp_path / "out" / "metrics.json")

    return measure


def test_distortions_are_those_of_the_closed_form(measured, dataset):
    """Two inputs of which one counts: |pt - threshold| / √2 by L-BFGS; FGSM moves that input alone, as far."""
    found = measured()["metrics"]
    pt = np.concatenate([s.inputs["jet"].column.values[:, 0] for s in dataset[2]])[:40]
    flavour = np.concatenate([s.targets["flavour"] for s in dataset[2]])[:40]
    for seed, threshold in enumerate((35.0, 36.0)):
        recognised = (pt > threshold) == flavour
        expected = np.abs(pt - threshold)[recognised].mean() / np.sqrt(2)
        assert found["lbfgs_distortion"]["per_seed"][seed] == pytest.approx(expected, rel=0.02)
    assert found["lbfgs_found"]["value"] == 1.0
    assert found["distortion_ratio"]["value"] == pytest.approx(1.0, abs=0.04)  # to a 1,600th of the range


def test_an_adversarial_example_is_near_if_it_is_less_than_half_way_to_the_nearest_of_another_class(measured, dataset):
    values = np.concatenate([s.inputs["jet"].column.values for s in dataset[2]])
    flavour = np.concatenate([s.targets["flavour"] for s in dataset[2]])
    pt = values[:, 0]
    near = []
    for threshold in (35.0, 36.0):
        rows = [k for k in range(40) if (pt[k] > threshold) == flavour[k]]
        other = [np.linalg.norm(values[k] - values[flavour != flavour[k]], axis=1).min() for k in rows]
        near.append(np.mean([abs(pt[k] - threshold) < 0.5 * d for k, d in zip(rows, other, strict=True)]))
    assert measured(samples=300)["metrics"]["lbfgs_near"]["per_seed"] == pytest.approx(near, abs=0.03)


@pytest.mark.parametrize(
    ("changes", "left"), [({}, {"fgsm", "lbfgs"}), ({"least": ["other"]}, {"fgsm"}), ({"all": ["other"]}, set())]
)
def test_networks_that_are_not_named_are_left_alone(study, workflow, dataset, trained, tmp_path, changes, left):
    attacks = ATTACKS | {"models": changes.get("all", [])}
    attacks["least_change"] = {"samples": 5, "trials": 1, "models": changes.get("least", [])}
    payload = study.model_dump(mode="json")
    payload["models"]["other"] = payload["models"]["linear"]
    payload["task"]["attacks"] = attacks
    evaluate_model(Study.model_validate(payload), workflow, "linear", dataset[0], trained, tmp_path / "out")
    metrics = read_json(tmp_path / "out" / "metrics.json")["metrics"]
    assert {
        name for name, metric in (("fgsm", "fgsm_error.at_1"), ("lbfgs", "lbfgs_found")) if metric in metrics
    } == left


@pytest.mark.parametrize("place", ["task.attacks.models", "task.attacks.least_change.models"])
def test_a_network_that_is_not_there_is_named(study, place):
    payload = study.model_dump(mode="json")
    attacks = payload["task"]["attacks"] = {"epsilons": [0.1], "least_change": {}}
    (attacks["least_change"] if "least" in place else attacks)["models"] = ["linaer"]
    with pytest.raises(ValueError, match=f"{place}: unknown model 'linaer'"):
        Study.model_validate(payload)


def test_settings_from_before_have_the_digest_from_before():
    assert set(Attacks(epsilons=[0.1]).model_dump()) == {"epsilons", "steps", "samples", "range"}
    assert "least_change" in Attacks(epsilons=[0.1], least_change=LeastChange()).model_dump()
