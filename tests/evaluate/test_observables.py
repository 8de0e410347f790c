"""Observables of the test split, by hand."""

import json

import h5py
import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.evaluate.observables import measure_observables


@pytest.fixture
def observed(study, dataset, tmp_path):
    measure_observables(study, dataset[0], tmp_path / "data.json")
    return json.loads((tmp_path / "data.json").read_text())


def test_means_and_medians_are_those_of_the_class(observed, dataset):
    pt = np.concatenate([s.inputs["jet"].column.values[:, 0] for s in dataset[2]])
    flavour = np.concatenate([s.targets["flavour"] for s in dataset[2]])
    for k, name in enumerate(("light", "beauty")):
        found = observed["metrics"][f"pt.mean.{name}"]
        ours = pt[flavour == k].astype(float)
        assert np.isclose(found["value"], ours.mean())
        assert abs(found["error"] / (ours.std() / np.sqrt(len(ours))) - 1) < 0.5  # 30 replicas
        assert found["unit"] == "GeV"
    assert observed["metrics"]["pt.auc.beauty_vs_light"]["value"] > 0.85


def test_second_track_exists_for_half_of_the_jets(observed, dataset):
    lengths = np.concatenate([s.inputs["tracks"].column.lengths for s in dataset[2]])
    flavour = np.concatenate([s.targets["flavour"] for s in dataset[2]])
    drawn = observed["observables"]["second_d0"]
    for k, name in enumerate(("light", "beauty")):
        assert drawn["missing"][name] == int(((lengths < 2) & (flavour == k)).sum())
        assert sum(drawn["counts"][name]) + drawn["missing"][name] == drawn["samples"][name]
        assert observed["metrics"][f"second_d0.mean.{name}"]["value"] == 1.0 + 4 * k


def test_missing_track_ranks_below_every_other(observed, dataset):
    lengths = np.concatenate([s.inputs["tracks"].column.lengths for s in dataset[2]])
    flavour = np.concatenate([s.targets["flavour"] for s in dataset[2]])
    beauty, light = (np.mean(lengths[flavour == k] >= 2) for k in (1, 0))
    # a beauty jet with the track beats all light ones; without, it draws with light ones without
    expected = beauty + (1 - beauty) * (1 - light) / 2
    assert np.isclose(observed["metrics"]["second_d0.auc.beauty_vs_light"]["value"], expected)


def test_all_splits_are_measured_where_nothing_is_compared_with_a_network(study, dataset, tmp_path):
    """Means of all three splits, whose error is smaller by √3; by SciPy's standard error of the mean."""
    from scipy.stats import sem

    of_all = study.evaluation.observables["pt"].model_copy(update={"samples": "all"})
    observables = study.evaluation.observables | {"all_pt": of_all}
    evaluation = study.evaluation.model_copy(update={"observables": observables, "bootstrap": 400})
    measure_observables(study.model_copy(update={"evaluation": evaluation}), dataset[0], tmp_path / "all.json")
    found = json.loads((tmp_path / "all.json").read_text())
    pt, flavour = [], []
    for path in sorted(dataset[0].parent.glob("*.h5")):
        with h5py.File(path) as shard:
            pt.append(shard["inputs/jet"][:, 0])
            flavour.append(shard["targets/flavour"][:])
    for k, name in enumerate(("light", "beauty")):
        ours = np.concatenate(pt)[np.concatenate(flavour) == k].astype(float)
        mean = found["metrics"][f"all_pt.mean.{name}"]
        assert np.isclose(mean["value"], ours.mean())
        assert abs(mean["error"] / sem(ours) - 1) < 0.12
        of_all, of_test = (found["observables"][key]["samples"][name] for key in ("all_pt", "pt"))
        assert of_all == len(ours) > of_test
    assert found["observables"]["all_pt"]["splits"] == "all"
    assert "splits" not in found["observables"]["pt"]  # the test split's file is as it was before there was a choice
    assert found["n_test"] == 300


def test_a_test_split_is_measured_as_before_beside_an_observable_of_all(study, observed, dataset, tmp_path):
    of_all = study.evaluation.observables["second_d0"].model_copy(update={"samples": "all"})
    observables = study.evaluation.observables | {"other": of_all}
    evaluation = study.evaluation.model_copy(update={"observables": observables})
    measure_observables(study.model_copy(update={"evaluation": evaluation}), dataset[0], tmp_path / "both.json")
    both = json.loads((tmp_path / "both.json").read_text())
    for key, metric in observed["metrics"].items():
        assert both["metrics"][key] == metric
        assert both["bootstrap"][key] == observed["bootstrap"][key]


def test_bins_of_whole_numbers_hold_equally_many(observed):
    """0.2 wide bins would be empty four times out of five."""
    assert observed["observables"]["second_d0"]["edges"] == [k - 0.5 for k in range(12)]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"group": "muons"}, "no input group 'muons'; it has: jet, tracks"),
        ({"feature": "z0"}, "no feature of 'tracks' 'z0'; it has: d0"),
        ({"position": None}, "'tracks.d0' is a list's and needs a position"),
        ({"group": "jet", "feature": "pt"}, "'jet.pt' is no list's and takes no position"),
    ],
)
def test_observables_the_dataset_lacks_are_refused(change, match, study, dataset, tmp_path):
    wrong = study.evaluation.observables["second_d0"].model_copy(update=change)
    evaluation = study.evaluation.model_copy(update={"observables": {"wrong": wrong}})
    with pytest.raises(UserError, match=match):
        measure_observables(study.model_copy(update={"evaluation": evaluation}), dataset[0], tmp_path / "data.json")
    assert not (tmp_path / "data.json").exists()
