"""Files with any name, drawn from a seed, and patterns: the file that was meant is read, or one line says why not."""

import os

import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.simulate.external.external_files import FileOptions
from bevatron.simulate.sources.table import TableSource

N_INPUTS = int(os.environ.get("BEVATRON_ODD_INPUTS", "25"))
SEED = int(os.environ.get("BEVATRON_ODD_SEED", "20261130"))
PIECES = [
    *" *?[]{}'\"\\:;,#%&!~$()+=-@^`|<>.\n\t\r\x1b\x7fäß日é",
    "e\u0301",
    "..",
    "http:",
    "file:",
    "a",
    "b",
    "1",
    "**",
    "{x}",
    "::",
    "%20",
]
MAPPING = {
    "kind": "table",
    "groups": {"jet": {"features": ["pt"]}},
    "targets": {"y": {"value": "pt"}},
}


def resolve(*patterns):
    return [str(path) for path in FileOptions(kind="any", files=list(patterns)).resolve_files()]


def write_table(path, kind, value):
    """A table of one row in the format."""
    if kind == "csv":
        path.write_text(f"pt\n{value}\n")
    elif kind == "npz":
        with path.open("wb") as file:
            np.savez(file, pt=np.array([value], "f4"))
    elif kind == "h5":
        import h5py

        with path.open("w+b") as raw, h5py.File(raw, "w") as file:
            file["pt"] = np.array([value], "f4")
    elif kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        with path.open("wb") as file:
            pq.write_table(pa.table({"pt": [float(value)]}), file)
    else:
        import uproot

        with path.open("w+b") as raw, uproot.recreate(raw) as file:
            file["t"] = {"pt": np.array([value], "f4")}


def two_readings(error):
    assert "\n" not in str(error)
    assert "is the name of a file, and a pattern that matches" in str(error)


@pytest.mark.parametrize("kind", ["csv", "npz", "h5", "parquet", "root"])
def test_files_of_any_name_are_read(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    for k in range(N_INPUTS):
        draw = np.random.default_rng([SEED, k])
        name = "".join(str(piece) for piece in draw.choice(PIECES, int(draw.integers(1, 6)))).strip("/")
        folder = tmp_path / str(k)
        folder.mkdir()
        path = folder / name
        if name in (".", "..") or path.resolve().parent != folder.resolve():
            continue
        write_table(path, kind, k)
        write_table(folder / "decoy", kind, -1.0)
        options = TableSource.Options(**MAPPING, files=[f"{k}/{name}"])
        try:
            samples, _ = TableSource().simulate(options, 0, 1)
        except UserError as error:
            two_readings(error)
            continue
        assert samples.inputs["jet"].column.values.tolist() == [[k]], repr(name)


def test_a_name_that_is_a_pattern_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a[1].root").write_text("x")
    assert resolve("a[1].root") == ["a[1].root"]
    assert resolve("a[[]1].root") == ["a[1].root"]
    (tmp_path / "a1.root").write_text("y")
    with pytest.raises(
        UserError, match=r"'a\[1\].root' is the name of a file, and a pattern that matches 'a1.root' too"
    ):
        resolve("a[1].root")
    assert resolve("a[[]1].root", "a1.root") == ["a[1].root", "a1.root"]
    (tmp_path / "*").write_text("z")
    with pytest.raises(UserError, match=r"'\*' is the name of a file, and a pattern that matches .*write '\[\*\]'"):
        resolve("*")
    assert resolve("[*]") == ["*"]


@pytest.mark.parametrize(
    "pattern", ["**x", "a**", "[", "[z-a]", "*/", "/", "[!]", "x\0*", "*" * 5000, "a" * 5000 + "*"]
)
def test_patterns_that_match_nothing_are_told_in_one_line(tmp_path, monkeypatch, pattern):
    monkeypatch.chdir(tmp_path)
    if pattern == "/":
        assert resolve(pattern) == ["/"]  # a folder, as whoever reads it says
        return
    with pytest.raises(UserError, match=r"^simulation\.source\.files: "):
        resolve(pattern)


def test_a_name_that_is_no_text_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open(b"caf\xe9.csv", "w") as file:
        file.write("pt\n1\n")
    with pytest.raises(UserError, match=r"simulation.source.files: the file name b'caf\\xe9.csv' is not UTF-8; rename"):
        resolve("*.csv")
    with pytest.raises(UserError, match="has a zero byte"):
        resolve("a\0b")


def test_a_line_break_in_a_name_leaves_the_message_one_line():
    error = UserError("a\nb\x1b[31m.csv", "holds no row", "take it out")
    assert str(error) == "a\\nb\\x1b[31m.csv: holds no row; take it out"
