"""Observables of a study: which samples they are measured on, and what they may be compared with."""

import copy

import pytest
from pydantic import ValidationError

from bevatron.config.loading.digest import canonical
from bevatron.config.sections.observable import Observable
from bevatron.config.sections.study import Study

PT = {"title": "pt", "group": "jet", "feature": "pt"}
OF_NETWORK = {"model": "net", "metric": "auc.beauty_vs_light"}
OF_CUT = {"observable": "pt", "metric": "auc.beauty_vs_light"}
TREE = {
    "name": "toy", "title": "Toy", "summary": "Toy",
    "simulation": {"source": {"kind": "jets"}, "shards": 1},
    "dataset": {"recipe": {"kind": "jets"}},
    "task": {"kind": "classification", "target": "flavour", "classes": ["light", "beauty"], "signal": "beauty"},
    "models": {"net": {"title": "Net", "inputs": ["jet"], "architecture": {"kind": "mlp", "widths": []}}},
}  # fmt: skip


def study(samples: str, test: dict) -> Study:
    claim = {"id": "c", "statement": "s", "source": "s", "test": test}
    evaluation = {"observables": {"pt": {**PT, "samples": samples}}}
    return Study.model_validate(copy.deepcopy(TREE) | {"evaluation": evaluation, "claims": [claim]})


def test_the_default_is_the_test_split_and_leaves_digests_as_they_were():
    plain = {**PT, "position": None, "range": None, "log": False}
    assert canonical(Observable(**PT)) == canonical(plain)
    assert canonical(Observable(**PT, samples="all")) == canonical({**plain, "samples": "all"})


@pytest.mark.parametrize("first", [OF_NETWORK, OF_CUT])
def test_a_model_is_not_compared_with_what_it_learned_from(first):
    other = OF_CUT if first is OF_NETWORK else OF_NETWORK
    test = {"kind": "greater", "first": first, "others": [other]}
    study("test", test)
    with pytest.raises(ValidationError, match="compares the model 'net' with the observable 'pt', whose 'samples"):
        study("all", test)


def test_numbers_without_a_model_may_be_of_all_samples():
    for test in ({"kind": "above", "metric": OF_CUT, "threshold": 0.5},
                 {"kind": "ratio", "first": OF_CUT, "second": OF_CUT, "factor": 2.0}):  # fmt: skip
        assert study("all", test).evaluation.observables["pt"].samples == "all"
