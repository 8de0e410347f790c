"""What a draft makes of columns: names, padding, missing values, labels, and files that are odd or no tables."""

import os
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pytest
import uproot
import yaml

from bevatron.config.loading.yaml_text import parse_yaml
from bevatron.config.sections.study import Study
from bevatron.draft.names import as_expression, as_name, shown
from bevatron.draft.padding import find_padding
from bevatron.draft.profile import profile
from bevatron.draft.roles import is_truth
from bevatron.draft.stage import draft_study
from bevatron.draft.yaml_lines import YamlLines, quoted, scalar
from bevatron.errors import UserError
from bevatron.expressions import parse
from bevatron.simulate.stage import simulate_shard
from bevatron.store.shards.shard import read_shard

N = 60
ODD = [
    "a b", "x[0]", "jet->pt", "café", "ﬁ", "class", "lambda", "pi", "nan", "True", "Q0__", "`tick`", "nl\nnl", "tab\tq",
    "E_{0..3}", "# c", ": d", "- e", "%", "'q'", '"dq"', "\\b", "\u2028ls", "x" * 300, "0", "1.5", "None", "a,b", "no",
    "😀", "a.b", ".a", "a.", "{", "[", "&x", "*x", "!y", "|", ">", "yes", "1e5", "~", "=", "a: b", "a #b", "\u200b",
    "\ufeffz",
]  # fmt: skip


@pytest.fixture
def draw(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return np.random.default_rng(3)


def drafted(*paths: str, **options) -> tuple[Study, str]:
    text, _ = draft_study([Path(path) for path in paths], options.get("weaver"), None, options.get("tree", ""))
    return Study.model_validate(parse_yaml(text)), text


def source(*paths: str, **options):
    return drafted(*paths, **options)[0].simulation.source


def test_columns_of_any_name_are_read(draw):
    values = {name: draw.normal(size=N).astype(np.float32) for name in ODD}
    np.savez("odd.npz", **values, label=draw.integers(0, 2, N))
    study, text = drafted("odd.npz")
    features = study.simulation.source.groups["event"].features
    nameless = {"pi", "nan", "`tick`", "nl\nnl", "tab\tq", "E_{0..3}"}  # constants, and what no text can hold
    expected = [name for name in ODD if name not in nameless and name != "True"]
    assert study.simulation.source.observers == {"True": "`True`"}  # truth, by its name
    assert [parse(text, "x").names for text in features.values()] == [(name,) for name in expected]
    assert all(shown(repr(name)) in text for name in nameless)  # nothing is left out unsaid
    simulate_shard(study, 0, "raw.h5")
    found = read_shard("raw.h5").inputs["event"].column.values
    np.testing.assert_array_equal(found, np.column_stack([values[name] for name in expected]))


@pytest.mark.parametrize("seed", range(5))
def test_texts_of_any_signs_are_read_back(seed):
    draw = np.random.default_rng(seed)
    signs = [
        *"aZ09_.:-#'\"\\,[]{}&*!|>%@` \t\n\r\0~=?",
        "é",
        "\u2028",
        "\x85",
        "\ud7ff",
        "😀",
        "\ufeff",
        "\u200b",
        "\x1b",
    ]
    for _ in range(200):
        text = "".join(draw.choice(signs, draw.integers(1, 12)))
        lines = YamlLines()
        lines.add(0, f"{scalar(text)}: {scalar(text)}", text)
        lines.add(0, f"list: [{quoted(text)}]")
        lines.comment(0, text)
        assert yaml.safe_load(lines.text()) == {text: text, "list": [text]}
        expression = as_expression(text)
        assert expression is None or parse(expression, "x").names == (text,)


def test_names_of_studies_and_classes():
    assert as_name("HToBB_000") == "htobb_000"
    assert as_name("42", default="class") == "class_42"
    assert as_name("é😀") == "e"
    assert as_name("😀", default="class") == "class"
    assert as_name("a", {"a", "a_2"}) == "a_3"
    assert len(as_name("x" * 99)) <= 60


@pytest.mark.parametrize("pad", [np.nan, 0, -1, -999])
def test_padding_is_found_by_values(draw, pad):
    lengths = draw.integers(0, 10, N)
    exists = np.arange(10) < lengths[:, None]
    arrays = {name: np.where(exists, draw.exponential(size=exists.shape) + 1, pad) for name in ("eta", "pt")}
    found = find_padding(arrays, {"eta": "eta", "pt": "pt"})
    np.testing.assert_array_equal(found.exists, exists)
    assert found.complete
    np.testing.assert_array_equal(parse(found.expression, "x").evaluate(arrays), exists)


def test_a_zero_among_the_elements_is_no_padding(draw):
    exists = np.arange(10) < draw.integers(3, 9, N)[:, None]
    charge = np.where(exists, draw.integers(-1, 2, exists.shape), 0)
    arrays = {"charge": charge, "pt": np.where(exists, draw.exponential(size=exists.shape) + 1, 0)}
    np.testing.assert_array_equal(find_padding(arrays, {"charge": "charge", "pt": "pt"}).exists, exists)


def test_lists_that_have_no_padding_are_whole(draw):
    np.savez("wave.npz", adc=draw.normal(size=(N, 50)), y=draw.integers(0, 2, N), point=draw.normal(size=(N, 3)))
    found = source("wave.npz")
    assert found.groups["adc"].exists is None
    assert list(found.groups["point"].features) == ["point.0", "point.1", "point.2"]


@pytest.mark.parametrize(
    ("values", "sentinels"),
    [
        ([-999.0] * 5 + [1.0, 2.0, 300.0], [-999]),
        ([-999.0] * 5 + [-9999.0] * 3 + [1.0, 2.0, 300.0], [-9999, -999]),
        ([-999.0, 1.0, 2.0, 300.0], []),  # once is no habit
        ([-99, -98, -97, -99, -96, -95], []),  # a number like its neighbours
        ([999, 999, 1, 2, 3], [999]),
        ([1e30, 1e30, 1.0, 2.0], [1e30]),
        ([-1, -1, 0, 1], []),
    ],
)
def test_values_that_stand_for_missing_ones(values, sentinels):
    assert sorted(profile(np.asarray(values), "float64").sentinels) == sentinels


def test_summaries_of_numbers_beyond_exact_floats():
    ids = np.arange(N, dtype=np.uint64) + np.uint64(2**63 + 5)
    found = profile(ids, "uint64")
    assert (int(found.low), found.n_distinct, found.is_whole) == (2**63 + 5, N, True)
    assert str(2**63 + 5) in found.describe()


@pytest.mark.parametrize(
    ("name", "truth"),
    [("truthE", True), ("gen_pt", True), ("genjet_pt", True), ("general", False), ("mcWeight", True), ("mcs", False),
     ("simple", False), ("jet_pt", False), ("aux_pid", True), ("ttv", True), ("label_b", True),
     ("ftagTruthLabel", True)],
)  # fmt: skip
def test_truth_by_its_name(name, truth):
    assert is_truth(name) is truth


def test_integers_that_happen_to_differ_are_no_ids(draw):
    np.savez(
        "t.npz", adc=draw.permutation(N) * 1000, jet_w=draw.normal(size=N), w=draw.normal(size=N), y=np.arange(N) % 2
    )
    study, text = drafted("t.npz")
    assert list(study.simulation.source.groups["event"].features) == ["adc", "jet_w"]
    assert "# weight: w " in text
    assert "some are negative" in text


def test_labels_texts_one_hot_and_numbers(draw):
    kind = draw.choice(["signal", "b'kg"], N)
    pd.DataFrame({"pt": draw.normal(size=N), "kind": kind}).to_parquet("texts.parquet")
    study, _ = drafted("texts.parquet")
    assert study.task.classes == ["b_kg", "signal"]
    simulate_shard(study, 0, "raw.h5")
    np.testing.assert_array_equal(read_shard("raw.h5").targets["kind"], kind == "signal")
    top = draw.integers(0, 2, N)
    np.savez("hot.npz", pt=draw.normal(size=N), jet_isTop=top, jet_isQCD=1.0 - top, charge=draw.integers(-1, 2, N))
    study, text = drafted("hot.npz")
    assert (study.task.classes, study.task.signal) == (["top", "qcd"], "top")
    assert "another candidate: 'charge'" in text
    assert list(study.simulation.source.groups["event"].features) == ["pt", "charge"]


def test_a_regression_by_its_name_and_a_placeholder(draw):
    np.savez("mass.npz", pt=draw.normal(size=N), target_mass=draw.normal(size=N))
    study, _ = drafted("mass.npz")
    assert (study.task.kind, study.simulation.source.targets["target_mass"].value) == ("regression", "target_mass")
    np.savez("none.npz", pt=draw.normal(size=N), eta=draw.normal(size=N))
    study, text = drafted("none.npz")
    assert study.simulation.source.targets["placeholder"].value == "0"
    assert "LOOK: no column looks like a label" in text


def test_what_repeats_is_constant_or_dead_is_no_input(draw):
    pt = draw.normal(size=N)
    frame = pd.DataFrame({"pt": pt, "again": pt, "dead": np.full(N, np.nan), "k": 3, "y": draw.integers(0, 2, N)})
    frame.to_csv("t.csv", index=False)
    study, text = drafted("t.csv")
    assert list(study.simulation.source.groups["event"].features) == ["pt"]
    assert all(line in text for line in ("#   again = pt", "#   dead", "#   k: 3"))


def test_few_rows_say_nothing_on_constants(draw):
    Path("one.csv").write_text("a,b,label\n1,2,0\n")
    assert list(source("one.csv").groups["event"].features) == ["a", "b"]


def test_ids_beyond_63_bits_keep_events_together(draw):
    ids = np.arange(N, dtype=np.uint64) // 2 + np.uint64(2**63 + 5)
    np.savez("t.npz", eventNumber=ids, row=np.arange(N), pt=draw.normal(size=N), y=draw.integers(0, 2, N))
    study, text = drafted("t.npz")
    assert study.simulation.source.id == ["eventNumber"]
    assert "may number the events: row" in text
    simulate_shard(study, 0, "raw.h5")
    np.testing.assert_array_equal(read_shard("raw.h5").targets["event"], ids)


@pytest.mark.parametrize(
    ("name", "separator", "header"),
    [("semi.csv", ";", True), ("tab.tsv", "\t", True), ("space.dat", "  ", False), ("bar.txt", "|", False)],
)
def test_layouts_of_text_tables(draw, name, separator, header):
    rows = [f"{a}{separator}{k % 2}" for k, a in enumerate(draw.normal(size=N))]
    Path(name).write_text("\n".join([f"pt{separator}y"] * header + rows) + "\n")
    study, _ = drafted(name)
    simulate_shard(study, 0, "raw.h5")
    found = read_shard("raw.h5")
    np.testing.assert_array_equal(next(iter(found.targets.values())), np.arange(N) % 2)


def test_files_that_differ(draw):
    for name, extra in (("one.root", {"a": np.zeros(N)}), ("two.root", {"b": np.zeros(N)})):
        with uproot.recreate(name) as file:
            file["t"] = {"pt": draw.normal(size=N), **extra}
    with uproot.recreate("empty.root") as file:
        file.mktree("t", {"pt": "f8"})
    study, text = drafted("one.root", "two.root", "empty.root")
    assert "'a' is missing in two.root" in text
    assert "'b' is in two.root, and not in one.root" in text
    assert "empty.root has no row" in text
    assert list(study.simulation.source.groups["event"].features) == ["pt"]


def test_many_files_are_a_pattern_and_some_are_looked_into(draw):
    Path("in").mkdir()
    for k in range(60):
        np.savez(f"in/part[{k}].npz", pt=draw.normal(size=5), y=np.arange(5) % 2)
    paths = sorted(map(str, Path("in").glob("*.npz")))
    study, text = drafted(*paths)
    assert study.simulation.source.files == ["in/*.npz"]
    assert "20 of 60 files" in text
    study, _ = drafted(*paths[:2])
    assert study.simulation.source.resolve_files() == [Path(path) for path in paths[:2]]


def test_lists_of_equal_lengths_are_one_group(draw):
    lengths, others = draw.integers(1, 9, N), draw.integers(1, 9, N)
    content = {f"trk_{name}": ak.unflatten(draw.normal(size=lengths.sum()), lengths) for name in ("pt", "eta")}
    content |= {f"sv_{name}": ak.unflatten(draw.normal(size=others.sum()), others) for name in ("mass", "d3d")}
    with uproot.recreate("t.root") as file:
        file["t"] = {**content, "y": draw.integers(0, 2, N)}
    study, _ = drafted("t.root")
    groups = {name: set(group.features) for name, group in study.simulation.source.groups.items()}
    assert groups == {"trk": {"trk_pt", "trk_eta"}, "sv": {"sv_mass", "sv_d3d"}}
    assert all(len(model.inputs) == 1 for model in study.models.values())  # lists of two lengths do not go together


def test_sorted_files_are_sampled_over_their_length(draw):
    n = 50_000
    np.savez("sorted.npz", pt=draw.normal(size=n).astype("f4"), label=np.arange(n) // (n // 5))
    assert len(drafted("sorted.npz")[0].task.classes) == 5


def test_the_number_of_shards_is_left_to_the_files(draw):
    with h5py.File("large.h5", "w") as file:
        file.create_dataset("pt", (450_000,), "f4", chunks=(10_000,))
        file.create_dataset("y", (450_000,), "i1", data=np.arange(450_000) % 2, chunks=(10_000,))
        file["pt"][:] = draw.normal(size=450_000)
    study, text = drafted("large.h5")
    assert "shards" not in text
    assert study.simulation.shards == 1


def test_a_thousand_columns(draw):
    names = [f"v{'abcdefghij'[k % 10]}{k}x" for k in range(1000)]
    table = pd.DataFrame(draw.normal(size=(30, len(names))), columns=names).assign(y=np.arange(30) % 2)
    table.to_parquet("wide.parquet")
    text, _ = draft_study([Path("wide.parquet")], None, None)
    assert len(parse_yaml(text)["simulation"]["source"]["groups"]["event"]["features"]) == 1000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"a,b\n", "holds no row"),
        (b"Hello, this\nis, no, table\n", "has 3 fields, where 2 columns are"),
        (bytes(range(256)) * 20, "has zero bytes: it is no text"),
        (b"\x1f\x8b\x08\x00broken", "is no table of columns|cannot be read"),
        (b"root\x00\x00", "cut short or damaged"),
        (b"PK\x03\x04....", "is no NPZ file"),
        (b"name\nAnna\nOtto\n", "holds no column that could be an input"),
    ],
)
def test_files_that_are_no_tables_are_one_line(draw, content, message):
    Path("file.dat").write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        draft_study([Path("file.dat")], None, Path("study.yaml"))
    assert "\n" not in str(error.value)
    assert not Path("study.yaml").exists()


def test_mistakes_with_the_output_and_the_files(draw):
    np.savez("t.npz", pt=draw.normal(size=N), y=draw.integers(0, 2, N))
    os.symlink("nowhere", "link.yaml")
    Path("there.yaml").write_text("mine")
    for output, message in {
        "there.yaml": "exists already, and is not overwritten",
        "link.yaml": "exists already",
        "Study.yaml": r"--output study\.yaml",
        "study.yml": r"ends in \.yaml",
    }.items():
        with pytest.raises(UserError, match=message):
            draft_study([Path("t.npz")], None, Path(output))
    assert Path("there.yaml").read_text() == "mine"
    for paths, message in {
        ("none.npz",): "no such file",
        (): "no file is named",
        ("t.npz", "there.yaml"): "several formats",
    }.items():
        with pytest.raises(UserError, match=message):
            draft_study([Path(path) for path in paths], None, None)


def test_the_draft_of_equal_files_is_equal(draw):
    np.savez("t.npz", pt=draw.normal(size=N), y=draw.integers(0, 2, N))
    assert draft_study([Path("t.npz")], None, None) == draft_study([Path("t.npz")], None, None)
