"""Files of one class each: classes by the names of the files, as most analyses have them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from bevatron.config.loading.identity import raw_digest
from bevatron.config.sections.study import Study
from bevatron.draft.stage import draft_study
from bevatron.errors import UserError
from bevatron.simulate.stage import simulate_shard
from bevatron.store.shards.shard import read_shard

N = {"data/ttbar_0.csv": 30, "data/ttbar_1.csv": 20, "other/wjets.csv": 40}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(1)
    for name, n in N.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pd.DataFrame({"met": draw.exponential(30, n), "njet": draw.poisson(4, n)}).to_csv(name, index=False)
    return tmp_path


def study(classes: dict, **target) -> Study:
    source = {
        "kind": "table",
        "files": list(N),
        "groups": {"event": {"features": ["met", "njet"]}},
        "targets": {"process": {"files": classes, **target}},
    }
    return Study.model_validate(
        {
            "name": "mine",
            "title": "Mine",
            "summary": "Mine",
            "simulation": {"source": source},
            "dataset": {"recipe": {"kind": "table"}},
            "task": {"kind": "classification", "target": "process", "classes": list(classes), "signal": "ttbar"},
            "models": {"m": {"title": "m", "inputs": ["event"], "architecture": {"kind": "fisher"}}},
        }
    )


def labels(of_study: Study, place) -> dict[str, np.ndarray]:
    """The class numbers of the samples of each file."""
    simulate_shard(of_study, 0, place / "shard-0000.h5")
    samples = read_shard(place / "shard-0000.h5")
    number = samples.id >> np.uint64(40)
    return {name: samples.targets["process"][number == k] for k, name in enumerate(N)}


@pytest.mark.parametrize("wjets", ["wjets.csv", "wjets*", "other/*.csv", "other/wjets.csv"])
def test_all_rows_of_a_file_are_of_its_class(place, wjets):
    found = labels(study({"wjets": wjets, "ttbar": ["ttbar_0.csv", "ttbar_1*"]}), place)
    for name, n in N.items():
        assert found[name].tolist() == [int("ttbar" in name)] * n


def test_the_order_of_the_classes_is_part_of_the_identity(place):
    first = study({"wjets": "wjets*", "ttbar": "ttbar*"})
    second = study({"ttbar": "ttbar*", "wjets": "wjets*"})
    assert raw_digest(first) != raw_digest(second)
    assert Study.model_validate(first.model_dump(mode="json")) == first
    found = labels(second, place)
    assert set(found["other/wjets.csv"]) == {1}


def test_files_of_no_class_and_of_several_are_refused_by_name(place):
    with pytest.raises(UserError, match=r"other/wjets\.csv: process: no pattern of the classes ttbar, qcd matches"):
        labels(study({"ttbar": "ttbar*", "qcd": "qcd*"}), place)
    with pytest.raises(UserError, match=r"ttbar_1\.csv: process: the file is of the classes ttbar and all"):
        labels(study({"ttbar": "ttbar*", "all": "*_1.csv"}), place)
    found = labels(study({"ttbar": "ttbar_0*", "one": "ttbar_1*"}, others="drop"), place)
    assert [len(rows) for rows in found.values()] == [30, 20, 0]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ({"files": {"ttbar": "ttbar*"}}, "files: name two classes at least"),
        ({"files": {"ttbar": [], "wjets": "w*"}}, r"files\.ttbar: name a file"),
        ({"files": {"a": "a*", "b": "b*"}, "value": "met"}, "give one of value, values, classes, files, labels"),
    ],
)
def test_targets_that_cannot_be_are_refused(target, message):
    with pytest.raises(ValueError, match=message):
        study({}, **target)


def test_a_draft_takes_classes_from_names(place):
    text, _ = draft_study([*map(Path, N)], None, None)
    assert "ttbar: ttbar*" in text
    assert "wjets: wjets.csv" in text
    drafted = Study.model_validate(yaml.safe_load(text.replace("&fit", "").replace("*fit", "{}")))
    found = labels(drafted, place)
    assert {name: set(rows) for name, rows in found.items()} == {
        "data/ttbar_0.csv": {0},
        "data/ttbar_1.csv": {0},
        "other/wjets.csv": {1},
    }


@pytest.mark.parametrize("names", [["a_0.csv", "a_1.csv"], ["train.csv", "test.csv"], ["0.csv", "b.csv"]])
def test_a_draft_takes_parts_of_one_sample_for_no_classes(place, names):
    for k, name in enumerate(names):
        pd.DataFrame({"met": np.arange(50.0) + k, "njet": np.arange(50) * 0.5}).to_csv(name, index=False)
    text, _ = draft_study([Path(name) for name in names], None, None)
    assert "LOOK: no column looks like a label; the expression below is a placeholder" in text
