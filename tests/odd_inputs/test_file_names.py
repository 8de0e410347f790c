"""File names with any characters or bytes: a file is read under its own name, and named in one line."""

import os
import random
from pathlib import Path

import pytest
from artefact_readers import read_table
from odd_inputs import draws, is_one_line

from bevatron import cli
from bevatron.errors import UserError
from bevatron.simulate.external.external_files import FileOptions
from bevatron.store.files import publish
from bevatron.store.files.publish import publishing, sha256_of
from bevatron.store.files.verify import verify
from bevatron.store.shards.shard import read_shard

SIGNS = "-*?[]{}!~$`'\"\\:;|&<>()#%=+@ ,\n\r\t\x1b\x7f\u202e\u2028é日\U0001f600abc.0123"


def odd_name(rng: random.Random) -> str:
    """Bytes that are no UTF-8 come as surrogates, as Python has them."""
    name = "".join(rng.choice(SIGNS) for _ in range(rng.randint(1, 12)))
    if rng.random() < 0.3:
        name += os.fsdecode(bytes(rng.choice([0x80, 0xC3, 0xFE, 0xFF]) for _ in range(rng.randint(1, 3))))
    name = rng.choice(["", "", "-", "--help", "[1]", "*"]) + name
    return f"{name}x" if name in (".", "..") else name


def place(folder: Path, rng: random.Random, suffix: str) -> Path:
    (folder / "inside").mkdir(exist_ok=True)
    return folder / "inside" / f"{odd_name(rng)}{suffix}"


def test_a_shard_is_read_under_any_name(artefacts, tmp_path):
    content = (artefacts / "train-0000.h5").read_bytes()
    for _, rng in draws("shards", 60):
        path = place(tmp_path, rng, ".h5")
        path.write_bytes(content)
        assert len(read_shard(path)) == 700
        assert verify(path) == []
        path.write_bytes(content[:-5000])
        (problem,) = verify(path)
        assert is_one_line(ValueError(problem)), problem
        path.unlink()


@pytest.mark.parametrize("kind", [".csv", ".npz", ".h5"])
def test_a_table_is_read_under_any_name(kind, artefacts, tmp_path):
    content = (artefacts / f"table{kind}").read_bytes()
    for _, rng in draws(f"tables {kind}", 20):
        path = place(tmp_path, rng, kind)
        path.write_bytes(content)
        read_table(path)
        path.write_bytes(content[:100])
        if kind != ".csv":
            with pytest.raises(UserError) as caught:
                read_table(path)
            assert is_one_line(caught.value)
        path.unlink()


def test_a_name_that_is_also_a_pattern_is_a_name(tmp_path, monkeypatch):
    """`jets[1].root` is the file of that name where there is one, else a pattern; an error where it is both."""
    monkeypatch.chdir(tmp_path)
    for name in ("a[1].csv", "a1.csv", "b*.csv", "bb.csv", "c?.csv", "{d}.csv", "-e.csv", "~.csv"):
        (tmp_path / name).write_text("x\n1\n")
    resolve = FileOptions.resolve
    for name in ("a[1].csv", "b*.csv"):
        with pytest.raises(UserError, match="is the name of a file, and a pattern that matches"):
            resolve([name])
    assert resolve(["c?.csv"]) == [Path("c?.csv")]
    assert resolve(["a[12].csv"]) == [Path("a1.csv")]
    with pytest.raises(UserError, match=r"'a\*\*b\.csv' is no pattern: "):
        resolve(["a**b.csv"])
    assert resolve(["bb*.csv"]) == [Path("bb.csv")]
    assert resolve(["{d}.csv", "-e.csv", "~.csv"]) == [Path("{d}.csv"), Path("-e.csv"), Path("~.csv")]


def _is_utf8(path: Path) -> bool:
    return not any("\ud800" <= sign <= "\udfff" for sign in str(path))


def test_any_name_is_resolved_to_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _, rng in draws("patterns", 80):
        path = place(tmp_path, rng, "").relative_to(tmp_path)
        path.write_text("x")
        if _is_utf8(path):
            assert FileOptions.resolve([str(path)]) == [path]
        else:
            with pytest.raises(UserError, match="is not UTF-8"):
                FileOptions.resolve([str(path)])
        path.unlink()
        try:
            files = FileOptions.resolve([str(path)])
        except UserError as error:
            files = []
            message = str(error)
            assert is_one_line(ValueError(message)), message
        assert files in ([], [path])


def test_files_are_published_under_any_name(tmp_path):
    """And what a killed process left of them is removed: its name may be a pattern too."""
    for _, rng in draws("published", 60):
        path = place(tmp_path, rng, "")
        left = path.with_name(f".{path.name}.{publish._host()}-99999999.0a.part")
        left.write_text("left")
        with publishing(path) as part:
            part.write_text("x")
        assert path.read_text() == "x"
        assert len(sha256_of(path)) == 64
        path.unlink()
        assert not list((tmp_path / "inside").iterdir()), path


@pytest.mark.parametrize("name", ["-x.h5", "--help.h5", "\udcff.h5", "a\nb.h5", "\x1b[31m.h5", "é.h5"])
@pytest.mark.parametrize("command", ["inspect", "verify"])
def test_a_command_reads_any_name(command, name, artefacts, tmp_path, monkeypatch, capfdbinary):
    """After `--`, where the name begins as an option does."""
    monkeypatch.chdir(tmp_path)
    content = (artefacts / "train-0000.h5").read_bytes()
    for cut in (len(content), 3000):
        Path(name).write_bytes(content[:cut])
        monkeypatch.setattr("sys.argv", ["bevatron", command, "--", name])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capfdbinary.readouterr()
        assert b"Traceback" not in said.err
        assert (end.value.code or 0) == (0 if cut == len(content) else end.value.code)
        assert (end.value.code or 0) in (0, 1, 2)
        assert b"\x1b[31m.h5" not in said.err + said.out
