"""Data configurations of weaver: translated expressions have the values that weaver computes, and nothing is lost."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot
import yaml
from layouts import jetclass

from bevatron.config.loading.yaml_text import parse_yaml
from bevatron.config.sections.study import Study
from bevatron.draft.stage import draft_study
from bevatron.draft.weaver_expressions import NotTranslatedError, translate
from bevatron.errors import UserError
from bevatron.expressions import parse
from bevatron.simulate.stage import simulate_shard
from bevatron.store.shards.shard import read_shard

CONFIGURATION = {
    "treename": "tree",
    "selection": "(jet_pt > 0.3) & (np.abs(jet_eta)<8)",
    "test_time_selection": "jet_pt > 0.5",
    "new_variables": {
        "part_logptrel": "np.log(part_pt/jet_pt)",  # before what it needs, as weaver allows
        "part_mask": "ak.ones_like(part_energy)",
        "part_pt": "np.hypot(part_px, part_py)",
        "part_stacked": "np.stack([part_px, part_py], axis=1)",
        "part_more": "part_stacked + 1",
        "jet_pt": "jet_pt",
        "unused": "np.sqrt(jet_pt)",
    },
    "preprocess": {"method": "manual", "data_fraction": 0.5},
    "inputs": {
        "pf_points": {"length": 10, "pad_mode": "wrap", "vars": [["part_deta", None], ["part_dphi", None]]},
        "pf_features": {
            "length": 10,
            "pad_mode": "wrap",
            "vars": [
                ["part_logptrel", -4.7, 0.7],
                ["part_energy", 2.0, 0.7, -1, 1, 0],
                ["part_d0err", 0, 1, 0, 1],
                ["part_dzerr", 0.5],
                ["part_d0val", None],
                "part_charge",
                ["part_more", None],
            ],
        },
        "pf_mask": {"length": 10, "pad_mode": "constant", "vars": [["part_mask", None]]},
    },
    "labels": {"type": "simple", "value": ["label_QCD", "label_Hbb", "label_Tbqq"]},
    "observers": ["jet_pt", "jet_sdmass"],
    "monitor_variables": None,
    "weights": {
        "use_precomputed_weights": False,
        "reweight_method": "flat",
        "reweight_vars": {"jet_pt": [200, 251, 316], "jet_sdmass": [30, 40]},
        "reweight_classes": ["label_QCD", "label_Hbb"],
        "class_weights": [1, 2],
    },
    "bucketing": {"var": "jet_nparticles", "bins": [0, 50]},
}


@pytest.fixture
def weaver(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def draft(files: tuple[Path, ...] = (), **changes) -> tuple[Study, str, list[str]]:
        Path("data.yaml").write_text(yaml.safe_dump({**CONFIGURATION, **changes}, sort_keys=False))
        text, remarks = draft_study(files, Path("data.yaml"), None)
        return Study.model_validate(parse_yaml(text)), text, remarks

    return draft


def test_features_are_what_weaver_feeds_to_its_networks(weaver, tmp_path):
    files = jetclass(tmp_path)
    study, _, _ = weaver([path.relative_to(tmp_path) for path in files])
    assert study.simulation.shards == 1  # small files are read together
    simulate_shard(study, 0, "raw.h5")
    raw = read_shard("raw.h5")
    for number, path in enumerate(files):
        samples = raw.take(np.flatnonzero(raw.id >> np.uint64(40) == number))
        with uproot.open(path) as file:
            events = file["tree"].arrays()
        learned = (events.jet_pt > 0.3) & (abs(events.jet_eta) < 8)
        tested = events.jet_pt > 0.5
        np.testing.assert_array_equal(samples.targets["selected"], (learned + 2 * tested)[learned | tested])
        events = events[learned | tested]
        first = events[[name for name in events.fields if name.startswith("part_")]][:, :10]
        pt = np.hypot(first.part_px, first.part_py)
        expected = [
            np.clip(ak.to_numpy(ak.flatten((values - centre) * scale)), low, high)
            for values, centre, scale, low, high in (
                (np.log(pt / events.jet_pt), -4.7, 0.7, -5, 5),
                (first.part_energy, 2.0, 0.7, -1, 1),
                (first.part_d0err, 0, 1, 0, 1),
                (first.part_dzerr, 0.5, 1, -5, 5),
            )
        ] + [ak.flatten(first.part_d0val), ak.flatten(first.part_charge)]
        found = samples.inputs["pf_features"]
        assert found.features == (
            "part_logptrel", "part_energy", "part_d0err", "part_dzerr", "part_d0val", "part_charge"
        )  # fmt: skip
        np.testing.assert_allclose(found.column.values, np.column_stack(expected), rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(samples.observers["jet_sdmass"], events.jet_sdmass)
        np.testing.assert_array_equal(samples.targets["label"], [1, 2, 0][number])


def test_nothing_is_dropped_unsaid(weaver):
    study, text, remarks = weaver()
    said = "\n".join(remarks)
    for part in (
        "new_variables.part_stacked: left out: 'np.stack([part_px, part_py], axis=1)' has no counterpart",
        "new_variables.part_more: left out: it needs 'part_stacked'",
        "inputs.pf_features, ['part_more', None]: left out: it needs 'part_more'",
        "inputs.pf_features.pad_mode: wrap",
        "inputs.pf_mask: left out",
        "inputs.pf_points: a comment",
        "weights.class_weights: no counterpart",
        "bucketing: no counterpart",
    ):
        assert part in said
        assert part[:40] in text.replace("\n#   ", " ")
    for part in ("# unused: sqrt(jet_pt)", "# pf_points:", "jet_pt: [200, 251, 316]", "class_weights: [1, 2]"):
        assert part in text
    balance = study.dataset.balance
    assert (balance.method, balance.to) == ("reweight", "flat")
    assert balance.bins == {"jet_pt": [251.0]}  # of 200, 251, 316; the other has no border inside
    assert "weights.reweight_vars.jet_sdmass: left out" in said
    assert study.simulation.source.tree == "tree"
    assert set(study.simulation.source.derived) == {"part_pt", "part_logptrel"}
    assert all(model.normalise == "none" for model in study.models.values())


def test_columns_that_the_files_lack_are_named(weaver, tmp_path):
    files = [path.relative_to(tmp_path) for path in jetclass(tmp_path)]
    _, _, remarks = weaver(files, observers=["jet_pt", "jet_spin"])
    assert any("the files have no column 'jet_spin'" in line for line in remarks)
    assert not any("'jet_pt'" in line for line in remarks)


def test_labels_of_other_kinds(weaver):
    study, text, remarks = weaver(labels={"type": "custom", "value": {"mass": "np.where(a, b, c)", "top": "d > 1"}})
    assert study.simulation.source.targets["mass"].value == "where(a, b, c)"
    assert study.task.kind == "regression"
    assert "another label of weaver's: top: d > 1" in text
    study, _, remarks = weaver(labels={"type": "custom", "value": {"truth_label": "label.argmax(1)"}})
    assert "placeholder" in study.simulation.source.targets
    assert any("'label.argmax(1)' has no counterpart" in line for line in remarks)


def test_precomputed_weights_are_the_weight(weaver):
    study, _, _ = weaver(weights={"use_precomputed_weights": True, "weight_branches": ["weight", "class_weight"]})
    assert study.simulation.source.weight == "weight * class_weight"


def test_standardisation_by_weaver_itself_and_what_it_has_found(weaver):
    study, _, _ = weaver(preprocess={"method": "auto", "data_fraction": 0.5})
    features = study.simulation.source.groups["pf_features"].features
    assert features["part_charge"] == "part_charge"
    assert features["part_logptrel"] == "clip((part_logptrel + 4.7) * 0.7, -5, 5)"
    assert all(model.normalise == "robust" for model in study.models.values())
    params = {"part_charge": {"center": 0.25, "scale": 2.0, "min": -5, "max": 5, "pad_value": 0}}
    study, _, _ = weaver(preprocess={"method": "manual", "params": params})
    features = study.simulation.source.groups["pf_features"].features
    assert features["part_charge"] == "clip((part_charge - 0.25) * 2, -5, 5)"


def test_inputs_of_one_number_a_row(weaver):
    inputs = {"basic": {"length": None, "vars": ["jet_pt", ["jet_eta", None]]}}
    study, _, _ = weaver(inputs=inputs)
    assert study.simulation.source.groups["basic"].layout == "sample"
    assert list(study.models) == ["mlp"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\n", "has no mapping 'inputs'"),
        ("inputs: {a: {length: 1, vars: [x]}}\nlabels: {type: simple, value: 3}\n", "have no list or mapping `value`"),
        ("inputs: {a: {length: 1, vars: ['__import__(1)']}}\nlabels: {value: [x, y]}\n", "none of its inputs"),
        ("inputs: [\n", "is not YAML"),
        ("inputs: {}\nlabels: {}\nnew_variables: 3\n", "'new_variables' is no mapping"),
    ],
)
def test_what_is_no_configuration_is_one_line(weaver, content, message):
    Path("other.yaml").write_text(content)
    with pytest.raises(UserError, match=message) as error:
        draft_study([], Path("other.yaml"), None)
    assert "\n" not in str(error.value)


LISTS = {
    "x": ak.Array([[1.0, -2.0], [3.0], [], [4.0, 5.0, 6.0]]),
    "y": ak.Array([[2.0, 7.0], [1.0], [], [9.0, 3.0, 8.0]]),
    "a": np.asarray([1.0, 2.0, 3.0, 4.0]),
    "b": np.asarray([0.0, 1.0, 1.0, 0.0]),
    "t": np.asarray([True, False, True, False]),
    "u": np.asarray([True, True, False, False]),
}


@pytest.mark.parametrize(
    "text",
    [
        "np.hypot(x, y)", "x**2 + y/2 - a", "-x**2", "np.log1p(np.abs(x)) * 3", "t & u", "t & ~u | (a > 2)",
        "(a > 1) & (a < 4) & (b == 0)", "np.where(t, a, b)", "ak.where(x > 1, x, y)", "ak.num(x)", "ak.num(x, axis=1)",
        "ak.sum(x * y, axis=1)", "ak.sum(x, axis=-1) > 2", "ak.any(x > 4, axis=1)", "ak.max(x[x > -9], axis=1)",
        "x[ak.argsort(y, ascending=False)]", "x[ak.argsort(y, axis=1)]", "x[:, :2]", "x[:, 1:]", "ak.ones_like(x) + x",
        "ak.ones_like(x) + ak.ones_like(y)", "ak.zeros_like(x)", "np.clip(a, 2, 3)", "np.clip(a, a_min=2, a_max=None)",
        "np.maximum(a, 2) % 3", "np.logical_and(t, u)", "np.logical_not(t)", "np.square(a)", "np.power(a, 3)",
        "np.pi * a", "math.pi * a", "x[y > 2]", "a // 2", "np.arctan2(a, b)", "np.arcsinh(x)", "abs(x)",
        "a if False else b", "np.float32(a)", "a.astype('float32')", "ak.to_numpy(a)", "ak.fill_none(ak.firsts(x), -1)",
        "1 - b", "1 < a",
        "np.nan_to_num(np.sqrt(b - 1), nan=7)", "((a))", "a == 2", "np.e * a", "+a", "2 - (a - b)", "a / (b + 2) / 2",
    ],
)  # fmt: skip
def test_expressions_have_the_values_that_python_gives(text):
    """Python with awkward and numpy, in which weaver evaluates them, is the reference."""
    import math

    with np.errstate(all="ignore"):
        expected = eval(text, {"np": np, "ak": ak, "math": math, **LISTS})
    found = parse(translate(text), "x").evaluate(LISTS)
    if isinstance(expected, ak.Array) and expected.ndim > 1:
        assert ak.num(found).to_list() == ak.num(expected).to_list()
        expected, found = ak.flatten(expected), ak.flatten(found)
    expected, found = (np.ma.filled(ak.to_numpy(v).astype(float), np.nan) for v in (expected, found))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "ak.sum(x)", "x[0]", "x[:2]", "label.argmax(1)", "flags & 4", "a & 1", "a << 2", "[a, b]", "lambda: a",
        "f'{a}'", "__import__('os').system('true')", "a.__class__", "np.load('x')", "ak.sum(x, axis=0)", "x[0, :]",
        "open('x')",
        "(a := 3)", "a in b", "np.clip(*a)", "np.where(t, a, b, c, d)", "1 +", "", "ak.sum(x, axis=1, keepdims=True)",
        "_p4_from_pxpypze(a, b, c, d).pt", "1" * 30, "x[:, 0:3:2]", "np.stack([a, b], axis=1)",
        "ak.argsort(x, axis=0)",
        "(" * 300 + "a" + ")" * 300, "a." * 500 + "b", "{a}", "b'x'", "None", "...", "a @ b",
        "np.sum(a, axis=1, out=b)",
    ],
)  # fmt: skip
def test_what_has_no_counterpart_is_refused(text):
    with pytest.raises(NotTranslatedError) as error:
        translate(text)
    assert str(error.value)
    assert "\n" not in str(error.value)


def test_variables_that_need_one_another_are_refused(weaver):
    inputs = {"basic": {"length": None, "vars": ["jet_pt", "one"]}}
    _, _, remarks = weaver(new_variables={"one": "two + 1", "two": "one + 1"}, inputs=inputs)
    assert any("new_variables.one: left out: it needs itself" in line for line in remarks)
