"""A published file is complete or absent, whatever kills the process or fails on the machine."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bevatron.errors import UserError
from bevatron.store.files.publish import publish_bytes, publish_json, publish_text, publishing, sha256_of
from bevatron.store.shards.shard import read_shard, write_shard

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")


@pytest.fixture
def small_disk(tmp_path):
    """A function that mounts an own disk of so many bytes, perhaps read-only; skips where mounting is not allowed."""
    mounted = []

    def mount(size: int, *options: str) -> Path:
        place = tmp_path / f"disk{len(mounted)}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "none", str(place)]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounting is not allowed here")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


def test_content_and_nothing_else(tmp_path):
    path = tmp_path / "deep" / "er" / "a.json"
    publish_json(path, {"b": 1, "a": "é"})
    assert path.read_text() == '{\n  "a": "é",\n  "b": 1\n}\n'
    publish_text(path, "new")
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]
    assert sha256_of(path) == "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"


def test_a_failure_keeps_what_was_published(tmp_path):
    path = tmp_path / "a"
    publish_text(path, "old")

    def refuse(part):
        raise UserError(path, "is wrong")

    def fail(error, check=None):
        with publishing(path, check) as part:
            part.write_text("half")
            if error:
                raise error

    with pytest.raises(UserError, match="is wrong"):
        fail(None, refuse)
    for error in (ZeroDivisionError, KeyboardInterrupt):
        with pytest.raises(error):
            fail(error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from bevatron.store.files import publish
step, path = {step!r}, Path({path!r})

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if step == "before the rename":
    os.replace = die
elif step == "after the rename":
    replace = os.replace
    os.replace = lambda *a: (replace(*a), die())
elif step == "at the flush":
    publish.flush = die
elif step == "at the check":
    check = die
with publish.publishing(path, die if step == "at the check" else None) as part:
    if step == "before writing":
        die()
    with open(part, "wb") as file:
        file.write(b"n" * 1000)
        file.flush()
        if step == "while writing":
            die()
        file.write(b"n" * 1000)
"""


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize(
    "step",
    ["before writing", "while writing", "at the check", "at the flush", "before the rename", "after the rename"],
)
def test_a_killed_process_leaves_nothing_that_looks_finished(step, existing, tmp_path):
    path = tmp_path / "a.h5"
    if existing:
        publish_bytes(path, b"old")
    script = KILLED.format(step=step, path=str(path), tests=str(Path(__file__).parent))
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if step == "after the rename":
        assert path.read_bytes() == b"n" * 2000
    else:
        assert (path.read_bytes() if path.exists() else None) == (b"old" if existing else None)
    left = set(tmp_path.iterdir()) - {path}
    assert all(part.name.startswith(".a.h5.") and part.name.endswith(".part") for part in left)
    publish_bytes(path, b"again")  # the next job cleans up behind the killed one
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == b"again"


def test_parts_of_living_processes_and_other_files_stay(tmp_path):
    with publishing(tmp_path / "a") as part:
        part.write_text("x")
        publish_text(tmp_path / "b", "y")
        with publishing(tmp_path / "a") as second:
            second.write_text("z")
            assert part.exists()
        assert part.exists()
    assert (tmp_path / "a").read_text() == "x"


@ROOT_ONLY
def test_a_full_disk_is_one_line_and_leaves_nothing(small_disk, samples):
    disk = small_disk(64 * 1024)
    for compression in ("lz4", "none"):
        with pytest.raises(UserError, match=r"s\.h5: cannot be written: the disk is full; free some space") as error:
            write_shard(disk / "s.h5", samples(20_000), {}, compression)
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="the disk is full"):
        publish_text(disk / "t", "x" * 100_000)
    assert list(disk.iterdir()) == []


@ROOT_ONLY
def test_a_full_disk_ends_the_process_quietly(small_disk, tmp_path):
    """HDF5, left alone with a full disk, prints tracebacks and crashes when the interpreter exits."""
    script = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from conftest import make_samples
from bevatron.errors import UserError
from bevatron.store.shards.shard import write_shard
try:
    write_shard({str(small_disk(64 * 1024) / "s.h5")!r}, make_samples(20_000), {{}})
except UserError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "the disk is full" in done.stdout
    assert done.stderr == ""


@ROOT_ONLY
def test_a_read_only_disk(small_disk):
    disk = small_disk(64 * 1024, "ro")
    with pytest.raises(UserError, match=r"cannot be written: the file system is read-only; choose another folder"):
        publish_text(disk / "a", "x")


def test_an_unwritable_folder(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("permissions do not bind root")
    with pytest.raises(UserError, match=r"cannot be written: no permission; make the folder writable"):
        publish_text(folder / "a", "x")


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "results").write_text("")
    with pytest.raises(UserError, match=r"results: cannot be written: a file stands where a folder is needed"):
        publish_text(tmp_path / "results" / "a", "x")


def test_a_folder_in_place_of_the_file(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(UserError, match="a folder stands where the file belongs"):
        publish_text(tmp_path / "a", "x")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE])
def test_faults_of_the_machine_name_the_file_and_a_remedy(number, tmp_path):
    with pytest.raises(UserError) as error, publishing(tmp_path / "a") as part:
        raise OSError(number, os.strerror(number), str(part))
    assert error.value.where == str(tmp_path / "a")
    assert error.value.todo
    assert ".part" not in str(error.value)


def test_hdf5_passes_the_error_number_on_in_words(tmp_path):
    with pytest.raises(UserError, match="the disk is full"), publishing(tmp_path / "a"):
        raise RuntimeError("Can't decrement id ref count (file write failed: errno = 28, error message = ...)")


def test_other_errors_are_not_the_machines(tmp_path):
    with pytest.raises(RuntimeError, match="a bug"), publishing(tmp_path / "a"):
        raise RuntimeError("a bug")


def test_a_published_shard_is_whole(tmp_path, samples):
    write_shard(tmp_path / "s.h5", samples(100), {})
    assert len(read_shard(tmp_path / "s.h5")) == 100
    assert [p.name for p in tmp_path.iterdir()] == ["s.h5"]
