"""New files: without truth, with odd names and values, empty, in any format; and the files of scores."""

import csv
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pytest
import uproot
from applied import jets, write_root

from bevatron.apply.stage import apply_model
from bevatron.apply.writers.hdf5 import Hdf5Writer
from bevatron.apply.writers.writer import writing
from bevatron.errors import UserError


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A file of jets without truth, weight or labels."""
    return write_root(tmp_path_factory.mktemp("data") / "data.root", jets(700, 7, truth=False))


def test_data_without_truth_is_scored(made, scores, data, told):
    columns = jets(700, 7, truth=False)
    found = scores(made.model("mlp"), [data])
    assert list(found) == [
        "entry", "event", "pt", "passed", "p_light", "p_light_std", "p_heavy", "p_heavy_std",
    ]  # fmt: skip
    np.testing.assert_array_equal(found["entry"], np.arange(700))
    np.testing.assert_array_equal(found["event"], columns["event_number"])
    np.testing.assert_array_equal(found["pt"].astype("f4"), columns["pt"])
    passed = (columns["pt"] > 30) & (abs(columns["eta"]) < 2.5)
    np.testing.assert_array_equal(found["passed"], passed)
    for name in ("p_light", "p_heavy_std"):
        np.testing.assert_array_equal(np.isnan(found[name]), ~passed)
    assert any("has no 'flav', so 'true_flavour' is left out" in record.message for record in told)


def test_mean_and_spread_are_those_of_the_seeds(made, scores, data):
    both = scores(made.model("lstm"), [data])
    p = np.stack([scores(made.model("lstm"), [data], seed=seed)["p_heavy"] for seed in (0, 1)]).astype(np.float64)
    assert np.nanmax(abs(p[0] - p[1])) > 1e-3
    np.testing.assert_allclose(both["p_heavy"], p.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(both["p_heavy_std"], abs(p[0] - p[1]) / np.sqrt(2), atol=1e-7)


def test_chosen_observers_alone(made, scores, data):
    found = scores(made.model("mlp"), [data], observers=["eta", "pt"], seed=0)
    assert list(found) == ["entry", "event", "pt", "eta", "passed", "p_light", "p_heavy"]
    np.testing.assert_array_equal(found["eta"], jets(700, 7)["eta"])


@pytest.mark.parametrize("kind", ["root", "parquet", "h5", "csv"])
def test_all_formats_hold_the_same(kind, made, data, tmp_path):
    apply_model(made.model("mlp"), [data, data], tmp_path / f"scores.{kind}", seed=0)
    apply_model(made.model("mlp"), [data], tmp_path / "single", seed=0)
    with uproot.open(tmp_path / "single" / "data.root") as file:
        expected = file["scores"].arrays(library="np")
    match kind:
        case "root":
            with uproot.open(tmp_path / "scores.root") as file:
                found = file["scores"].arrays(library="np")
        case "parquet":
            frame = pd.read_parquet(tmp_path / "scores.parquet")
            found = {name: frame[name].to_numpy() for name in frame}
        case "h5":
            with h5py.File(tmp_path / "scores.h5") as file:
                found = {name: file[name][...] for name in file}
        case "csv":
            frame = pd.read_csv(tmp_path / "scores.csv", dtype={"p_light": "f4", "p_heavy": "f4"})
            found = {name: frame[name].to_numpy() for name in frame}
    np.testing.assert_array_equal(found.pop("file"), np.repeat([0, 1], 700))
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], np.concatenate([values, values]), err_msg=name)


def test_a_folder_gets_a_file_for_each(made, data, tmp_path):
    apply_model(made.model("mlp"), [*made.files, data], tmp_path / "out", kind="h5", seed=0)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["data.h5", "jets-0.h5", "jets-1.h5"]


@pytest.mark.parametrize("kind", ["root", "parquet", "h5", "csv"])
def test_a_file_without_events(kind, made, tmp_path):
    columns = jets(5, 1, truth=False)
    empty = {name: values[:0] for name, values in columns.items()}
    with uproot.recreate(tmp_path / "empty.root") as file:
        file.mktree("jets", {name: "var * float32" if name.startswith("trk") else values.dtype
                             for name, values in columns.items()})  # fmt: skip
        assert file["jets"].num_entries == len(empty["pt"]) == 0
    output = tmp_path / f"scores.{kind}"
    apply_model(made.model("transformer"), [tmp_path / "empty.root"], output)
    if kind == "csv":
        rows = list(csv.reader(output.read_text().splitlines()))
        assert len(rows) == 1
        assert rows[0][:2] == ["entry", "event"]
    elif kind == "root":
        with uproot.open(output) as file:
            assert file["scores"].num_entries == 0
    elif kind == "h5":
        with h5py.File(output) as file:
            assert file["p_light"].shape == (0,)
    else:
        assert len(pd.read_parquet(output)) == 0


def test_no_event_passes(made, scores, tmp_path):
    columns = jets(50, 1, truth=False) | {"pt": np.full(50, 5, "f4")}
    found = scores(made.model("transformer"), [write_root(tmp_path / "soft.root", columns)])
    assert not found["passed"].any()
    assert np.isnan(found["p_heavy"]).all()


def test_lists_longer_than_in_training_are_cut(made, scores, tmp_path, told):
    """Elements beyond the longest list of the training are left out, whichever way the network reads lists."""
    columns = jets(60, 5, truth=False)
    long = ak.Array([list(np.linspace(9, 1, 200))] * 60)
    short = long[:, : int(made.study.simulation.source.groups["tracks"].max_length)]
    given = {}
    for name, lists in (("long", long), ("short", short)):
        path = write_root(tmp_path / f"{name}.root", columns | {"trk_d0": lists, "trk_z0": lists})
        given[name] = scores(made.model("deep_sets"), [path])["p_heavy"]
    np.testing.assert_array_equal(given["long"], given["short"])
    assert any("lists are longer than those of the training" in record.message for record in told)


def test_another_tree_and_odd_names_of_observers(made, scores, tmp_path):
    """The tree of the new files may have another name, and branches names that are no expressions."""
    columns = jets(40, 2, truth=False) | {"größe (%)": np.arange(40), "a.b": np.arange(40) % 3 == 0}
    path = write_root(tmp_path / "data.root", columns, tree="Données")
    found = scores(made.model("mlp"), [path], tree="Données", observers=["größe (%)", "a.b"])
    np.testing.assert_array_equal(found["größe (%)"], np.arange(40))
    np.testing.assert_array_equal(found["a.b"], np.arange(40) % 3 == 0)


def test_the_newest_cycle_of_a_tree_is_read(made, scores, tmp_path):
    with uproot.recreate(tmp_path / "twice.root") as file:
        file["jets"] = jets(30, 1, truth=False)
    with uproot.update(tmp_path / "twice.root") as file:
        file["jets"] = jets(45, 2, truth=False)
    found = scores(made.model("mlp"), [tmp_path / "twice.root"])
    np.testing.assert_array_equal(found["event"], jets(45, 2)["event_number"])


def test_a_missing_value_that_training_refuses_is_refused(made, tmp_path):
    columns = jets(40, 2, truth=False)
    columns["pt"][7], columns["eta"][7] = 50, np.nan
    path = write_root(tmp_path / "data.root", columns)
    assert np.isnan(columns["eta"][7])
    apply_model(made.model("mlp"), [path], tmp_path / "out.root")  # NaN fails the selection
    columns["eta"][7] = 1
    columns["trk_d0"] = ak.Array([[np.nan, 1.0]] * 40)
    columns["trk_z0"] = ak.Array([[1.0, 1.0]] * 40)
    path = write_root(tmp_path / "bad.root", columns)
    with pytest.raises(UserError, match=r"bad\.root.*'tracks\.trk_d0' is nan.*first in entry"):
        apply_model(made.model("mlp"), [path], tmp_path / "bad-out.root")
    assert not (tmp_path / "bad-out.root").exists()


def test_a_seed_s_folder_is_a_model_wherever_one_stands(made, scores, data, monkeypatch):
    expected = scores(made.model("mlp"), [data], seed=1)["p_heavy"]
    monkeypatch.chdir(made.model("mlp") / "seed-1")
    np.testing.assert_array_equal(scores(Path(), [data])["p_heavy"], expected)


def test_names_with_a_slash_make_no_groups_in_hdf5(tmp_path):
    number = np.dtype("f4")
    with writing(tmp_path / "scores.h5", "h5", {"prediction_p/q": number, "größe": number}) as writer:
        writer.write({"prediction_p/q": np.ones(3, "f4"), "größe": np.zeros(3, "f4")})
        writer.write({"prediction_p/q": np.ones(2, "f4"), "größe": np.zeros(2, "f4")})
    with h5py.File(tmp_path / "scores.h5") as file:
        assert list(file) == ["prediction_p_q", "größe"]
        assert file["größe"].shape == (5,)
    with pytest.raises(UserError, match="'a/b' and another column would both be 'a_b'"):
        Hdf5Writer(tmp_path / "same.h5", {"a_b": number, "a/b": number})
