"""The same events written by each format's own library, and read in ranges of rows."""

import gzip
import pickle

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import uproot

from bevatron.errors import UserError
from bevatron.tables.open_table import TableOptions, format_of, open_table

N = 2000
RANGES = [(0, N), (0, 1), (7, 7), (N - 1, N), (123, 1777)]


@pytest.fixture(scope="module")
def events() -> dict:
    draw = np.random.default_rng(3)
    lengths = draw.integers(0, 6, N)
    return {
        "number": draw.integers(2**60, 2**62, N),
        "pt": draw.uniform(20, 500, N).astype(np.float32),
        "is_signal": draw.random(N) < 0.5,
        "track_d0": ak.unflatten(draw.normal(size=lengths.sum()).astype(np.float32), lengths),
        "track_charge": ak.unflatten(draw.integers(-1, 2, lengths.sum()).astype(np.int32), lengths),
        "cells": draw.normal(size=(N, 3, 4)).astype(np.float32),
    }


FLAT = ["number", "pt", "is_signal"]
LISTS = ["track_d0", "track_charge"]


def write_ttree(path, events):
    with uproot.recreate(path) as file:
        file["events"] = {name: events[name] for name in [*FLAT, *LISTS, "cells"]}


def write_rntuple(path, events):
    with uproot.recreate(path) as file:
        file.mkrntuple("events", {name: events[name] for name in [*FLAT, *LISTS]})


def write_parquet(path, events):
    pq.write_table(
        ak.to_arrow_table(ak.Array({name: events[name] for name in [*FLAT, *LISTS]}), extensionarray=False),
        path,
        row_group_size=300,
    )


def write_hdf5(path, events):
    with h5py.File(path, "w") as file:
        for name in [*FLAT, "cells"]:
            file.create_dataset(f"events/{name}", data=events[name], chunks=(100, *np.shape(events[name])[1:]))
        file["cut_flow"] = np.arange(5)


def write_npz(path, events):
    np.savez_compressed(path, **{name: events[name] for name in [*FLAT, "cells"]})


def write_npz_stored(path, events):
    np.savez(path, **{name: events[name] for name in [*FLAT, "cells"]})


def write_csv(path, events):
    pd.DataFrame({name: events[name] for name in FLAT}).to_csv(path, index=False)


def write_csv_gz(path, events):
    with gzip.open(path, "wt") as file:
        pd.DataFrame({name: events[name] for name in FLAT}).to_csv(file, index=False)


WRITERS = {
    "root": write_ttree, "ntuple.root": write_rntuple, "parquet": write_parquet, "h5": write_hdf5, "npz": write_npz,
    "stored.npz": write_npz_stored, "csv": write_csv, "csv.gz": write_csv_gz,
}  # fmt: skip
PREFIX = {"h5": "events."}


@pytest.fixture(scope="module", params=WRITERS)
def written(request, events, tmp_path_factory):
    path = tmp_path_factory.mktemp("tables") / f"file.{request.param}"
    WRITERS[request.param](path, events)
    return path, PREFIX.get(request.param, "")


@pytest.mark.parametrize(("start", "stop"), RANGES)
def test_rows_are_those_that_were_written(written, events, start, stop):
    path, prefix = written
    with open_table(path, TableOptions()) as table:
        assert table.n_rows == N
        names = [name for name in events if prefix + name in table.columns]
        assert set(FLAT) <= set(names)
        found = table.read([prefix + name for name in names], start, stop)
        for name in names:
            expected, values = events[name][start:stop], found[prefix + name] if found else events[name][:0]
            if name in LISTS:
                assert table.columns[prefix + name].kind == "list"
                assert values.to_list() == expected.to_list()
            else:
                assert values.dtype == expected.dtype or ".csv" in path.name
                np.testing.assert_array_equal(np.asarray(values).astype(expected.dtype), expected)


def test_steps_join_to_the_whole(written, events):
    path, prefix = written
    with open_table(path, TableOptions()) as table:
        parts = [part[f"{prefix}number"] for part in table.steps([f"{prefix}number"], 100, 1500, 333)]
        assert max(map(len, parts)) <= 333
        np.testing.assert_array_equal(np.concatenate(parts), events["number"][100:1500])
        rest = [part[f"{prefix}number"] for part in table.steps([f"{prefix}number"], 1900, None, 64)]
        np.testing.assert_array_equal(np.concatenate(rest), events["number"][1900:])


def test_an_unknown_column_is_told_with_the_nearest(written):
    path, prefix = written
    expected = f"has no column '{prefix}ptt'; did you mean '{prefix}pt'"
    with open_table(path, TableOptions()) as table, pytest.raises(UserError, match=expected):
        next(table.steps([f"{prefix}ptt"], 0, 10, 10))


def test_a_file_cut_short_is_told_in_one_line(written, tmp_path):
    path, _ = written
    if path.suffix == ".csv":
        return  # a text that ends early is a shorter text
    content = path.read_bytes()
    for kept in (len(content) // 2, 40):
        short = tmp_path / f"{kept}-{path.name}"
        short.write_bytes(content[:kept])
        with pytest.raises(UserError) as error, open_table(short, TableOptions()) as table:
            list(table.steps(table.columns, 0, None, 500))
        assert str(short) in str(error.value)
        assert "\n" not in str(error.value)


def test_parts_of_an_array_are_columns(events, tmp_path):
    write_npz(tmp_path / "a.npz", events)
    with open_table(tmp_path / "a.npz", TableOptions()) as table:
        assert table.find("cells.2").shape == (3,)
        np.testing.assert_array_equal(table.read(["cells.2"], 5, 9)["cells.2"], events["cells"][5:9, :, 2])
        with pytest.raises(UserError, match=r"no column 'cells\.4'"):
            table.find("cells.4")


def test_fields_of_compound_datasets_are_columns(tmp_path):
    jets = np.zeros(10, [("pt", "f4"), ("flavour", "i4"), ("valid", "?")])
    jets["pt"] = np.arange(10)
    tracks = np.zeros((10, 4), [("d0", "f2"), ("hits", "u1"), ("valid", "?")])
    tracks["d0"] = np.arange(40).reshape(10, 4)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["jets"], file["tracks"] = jets, tracks
        file["cutBookkeeper/nominal/counts"] = np.zeros(1, [("count", "i8"), ("sum", "f8")])
    with open_table(tmp_path / "a.h5", TableOptions()) as table:
        assert set(table.columns) == {
            "jets.pt",
            "jets.flavour",
            "jets.valid",
            "tracks.d0",
            "tracks.hits",
            "tracks.valid",
        }
        assert table.columns["tracks.d0"].shape == (4,)
        found = table.read(["jets.pt", "tracks.d0", "jets.valid"], 2, 4)
        assert found["jets.pt"].tolist() == [2, 3]
        assert found["tracks.d0"].tolist() == [[8, 9, 10, 11], [12, 13, 14, 15]]
        assert found["jets.valid"].dtype == bool
    with open_table(tmp_path / "a.h5", TableOptions(tree="jets")) as table:
        assert set(table.columns) == {"pt", "flavour", "valid"}
    with pytest.raises(UserError, match="has no group or dataset 'jet'; / has: cutBookkeeper, jets, tracks"):
        open_table(tmp_path / "a.h5", TableOptions(tree="jet"))


def test_external_links_are_not_followed(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.arange(3)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["y"] = h5py.ExternalLink("other.h5", "x"), np.arange(3)
    with open_table(tmp_path / "a.h5", TableOptions()) as table:
        assert list(table.columns) == ["y"]
    with pytest.raises(UserError, match="is an external link"):
        open_table(tmp_path / "a.h5", TableOptions(tree="x"))


@pytest.mark.parametrize("form", ["table", "fixed", "data_columns"])
def test_tables_of_pandas_are_read(form, tmp_path):
    pytest.importorskip("tables", reason="writes what pandas writes: pip install 'bevatron[dev]'")
    frame = pd.DataFrame({f"E_{k}": np.arange(30, dtype=np.float32) + k for k in range(4)})
    frame["ttv"] = np.arange(30, dtype=np.int64) % 3
    how = {"format": "table", "data_columns": True} if form == "data_columns" else {"format": form}
    frame.to_hdf(tmp_path / "a.h5", key="table", **how)
    with open_table(tmp_path / "a.h5", TableOptions()) as table:
        assert set(table.columns) == set(frame.columns)
        found = table.read(list(frame.columns), 5, 25)
        for name in frame.columns:
            np.testing.assert_array_equal(found[name], frame[name].to_numpy()[5:25], strict=True)


def test_a_pickle_in_a_file_runs_nothing(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("this ran",))

    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("t")
        group.attrs["pandas_type"] = b"frame_table"
        table = np.zeros(3, [("index", "i8"), ("values_block_0", "f4", (2,))])
        group["table"] = table
        group["table"].attrs["values_block_0_kind"] = np.void(pickle.dumps(Evil()))
    with open_table(tmp_path / "a.h5", TableOptions()) as table:
        assert list(table.columns) == ["values_block_0"]


def test_objects_in_an_npz_file_are_not_read(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3), y=np.array([{}, 1, "a"], object))
    with open_table(tmp_path / "a.npz", TableOptions()) as table:
        assert list(table.columns) == ["x"]


def test_missing_numbers_are_nan(tmp_path):
    pq.write_table(__import__("pyarrow").table({"n": [1, None, 3], "x": [0.5, None, 1.5]}), tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("n,x\n1,0.5\n,\n3,1.5\n")
    for name in ("a.parquet", "a.csv"):
        with open_table(tmp_path / name, TableOptions()) as table:
            found = table.read(["n", "x"], 0, 3)
            np.testing.assert_array_equal(found["n"], [1, np.nan, 3])
            np.testing.assert_array_equal(found["x"], [0.5, np.nan, 1.5])


def test_nested_parquet_has_columns_with_dots(tmp_path):
    array = ak.Array({"jet": [{"pt": 1.0, "eta": 2.0}] * 2, "parts": [[{"px": 1.0, "id": 3}], []]})
    ak.to_parquet(array, tmp_path / "a.parquet")
    with open_table(tmp_path / "a.parquet", TableOptions()) as table:
        assert set(table.columns) == {"jet.pt", "jet.eta", "parts.px", "parts.id"}
        found = table.read(["jet.pt", "parts.px"], 0, 2)
        assert found["jet.pt"].tolist() == [1.0, 1.0]
        assert found["parts.px"].to_list() == [[1.0], []]


def test_csv_without_header_and_with_texts(tmp_path):
    (tmp_path / "higgs.csv").write_text("1.0,0.5,s\n0.0,1.5,b\n")
    with open_table(tmp_path / "higgs.csv", TableOptions(header=False)) as table:
        assert {name: column.kind for name, column in table.columns.items()} == {
            "0": "number",
            "1": "number",
            "2": "text",
        }
    options = TableOptions(header=False, names=("label", "x", "class"))
    with open_table(tmp_path / "higgs.csv", options) as table:
        assert table.read(["class", "x"], 1, 2) == {"class": ["b"], "x": [1.5]}


def test_a_text_in_a_column_of_numbers_is_told_with_its_line(tmp_path):
    rows = [f"{k},1" for k in range(5000)]
    rows[4321] = "abc,1"
    (tmp_path / "a.csv").write_text("x,y\n" + "\n".join(rows) + "\n")
    expected = r"a\.csv:4323: column 'x': 'abc' is no number"
    with open_table(tmp_path / "a.csv", TableOptions()) as table, pytest.raises(UserError, match=expected):
        list(table.steps(["x"], 0, None, 1000))


def test_the_content_decides_what_a_file_is(written):
    path, _ = written
    expected = (
        "csv"
        if ".csv" in path.name
        else {"root": "root", "parquet": "parquet", "h5": "hdf5"}.get(path.suffix[1:], "npz")
    )
    assert format_of(path) == expected


def test_a_file_with_two_trees_asks_which(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        file["one"], file["two"] = {"x": np.arange(3)}, {"x": np.arange(4)}
    with pytest.raises(UserError, match="has 2 trees: one, two; name one by `tree`"):
        open_table(tmp_path / "a.root", TableOptions())
    with open_table(tmp_path / "a.root", TableOptions(tree="two")) as table:
        assert table.n_rows == 4


@pytest.mark.parametrize("content", [b"", b"root", b"\x89HDF\r\n\x1a\n", b"PAR1", b"PK\x03\x04", b"\x1f\x8b"])
def test_files_of_a_few_bytes_are_told_in_one_line(content, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        open_table(path, TableOptions())
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        open_table(tmp_path / "none.root", TableOptions())


@pytest.mark.parametrize("suffix", ["csv", "h5"])
def test_numbered_columns_are_also_one_array(tmp_path, suffix):
    path = tmp_path / f"numbered.{suffix}"
    frame = pd.DataFrame({"p_0": [1, 2], "p_1": [2.5, 3.0], "p_3": [7, 8], "q_0": [1, 2], "s_0": ["a", "b"]})
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_hdf(path, key="t", format="table")
    with open_table(path, TableOptions()) as table:
        assert (table.find("p").kind, table.find("p").shape) == ("array", (2,))
        (step,) = table.steps(["p", "p_0"], 0, None, 10)
        np.testing.assert_array_equal(step["p"], [[1, 2.5], [2, 3]])
        np.testing.assert_array_equal(step["p_0"], [1, 2])
        for name in ("q", "s"):  # one alone, and texts
            with pytest.raises(UserError, match=f"no column '{name}'"):
                table.find(name)


def csv_table(tmp_path, content, **options):
    (tmp_path / "a.csv").write_bytes(content)
    return open_table(tmp_path / "a.csv", TableOptions(format="csv", **options))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"x,y\n1,2\n3\n", r"a\.csv:3: has 1 fields, where 2 columns are"),
        (b"x,y\n1,2\n3,4,5\n", r"Expected 2 fields in line 3, saw 3|has 3 fields"),
        (b"x,y\n1,2,9\n3,4,9\n", r"a\.csv:2: has 3 fields, where 2 columns are"),
        (b"x,x\n1,2\n", "has 2 columns 'x'"),
        (b"x\n1\0002\n", "has zero bytes"),
        ("x\n1\n".encode("utf-16-le"), "has zero bytes"),
        (b"x\n" + b"1" * (1 << 25), "a line of more than 16 MB"),
        (gzip.compress(b"x\n" + b"1" * (1 << 25)), "a line of more than 16 MB"),
        (b"x,y\n", "holds no row"),
        (b"\n\n", "holds no column"),
    ],
)
def test_a_csv_file_that_is_no_table_is_told(tmp_path, content, message):
    with pytest.raises(UserError, match=message), csv_table(tmp_path, content) as table:
        list(table.steps(table.columns, 0, None, 100))


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("x,y\n1,2\n3,4\n".encode("utf-16"), {}),
        (b"\xef\xbb\xbfx,y\r\n1,2\r\n\r\n3,4", {}),
        (b"x  y\n1 \t 2\n 3   4\n", {"separator": r"\s+"}),
        (b'"x";"y"\r1;"2"\r3;4', {"separator": ";"}),
        (b"9,9\n1,2\n3,4\n", {"names": ("x", "y")}),
    ],
)
def test_a_csv_file_of_another_form_is_read(tmp_path, content, options):
    with csv_table(tmp_path, content, **options) as table:
        found = table.read(["x", "y"], 0, 2)
        assert [found["x"].tolist(), found["y"].tolist()] == [[1, 3], [2, 4]]


def test_hdf5_values_that_are_not_in_the_file_are_told(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("half", (20,), "f4", chunks=(5,))[:10] = 1
        file.create_dataset("none", (10**12,), "f4", chunks=(1024,))
        layout = h5py.VirtualLayout((20,), "f4")
        layout[:] = h5py.VirtualSource("gone.h5", "x", (20,))
        file.create_virtual_dataset("far", layout)
        file["loop"], file["x"] = file["/"], np.arange(20)
    with open_table(tmp_path / "a.h5", TableOptions()) as table:
        assert list(table.columns) == ["x"]
        for name, message in (("half", "2 of its 4 chunks"), ("none", "0 of its"), ("far", "in other files")):
            with pytest.raises(UserError, match=f"'{name}' .*{message}"):
                table.find(name)


def test_an_npz_array_of_another_size_than_it_says_is_told(tmp_path):
    import io
    import zipfile

    np.savez(tmp_path / "a.npz", x=np.arange(3), s=np.array([(1.5, 2)] * 3, [("p", "f4"), ("q", "i2")]))
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**13,)})
    with zipfile.ZipFile(tmp_path / "a.npz", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("huge.npy", header.getvalue())
    with open_table(tmp_path / "a.npz", TableOptions()) as table:
        assert table.read(["s.p", "s.q"], 1, 3)["s.q"].tolist() == [2, 2]
        with pytest.raises(UserError, match="'huge' cannot be read: it says 10000000000000 values"):
            table.find("huge")


def test_missing_elements_of_a_parquet_list_are_nan(tmp_path):
    pa = pytest.importorskip("pyarrow")
    words = pa.array([5, 7, 5], pa.int32()).dictionary_encode()
    pq.write_table(pa.table({"l": [[1.0, None], None, [3.0]], "n": words}), tmp_path / "a.parquet")
    with open_table(tmp_path / "a.parquet", TableOptions()) as table:
        found = table.read(["l", "n"], 0, 3)
        assert str(found["l"].to_list()) == "[[1.0, nan], [], [3.0]]"
        assert found["n"].tolist() == [5, 7, 5]
