"""What the system answers is told as such: for every file that is read, every call and every errno.

With a C compiler the calls fail below Python and HDF5, as on a file system that is in trouble; without one the errors
are raised in their place.
"""

import errno
import io
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import h5py
import pytest
from artefact_readers import READERS
from odd_inputs import draws, is_one_line

from bevatron import regular_files
from bevatron.errors import SystemFault
from bevatron.store.shards.shard import Shard
from bevatron.system_errors import NO_LOCKS, system_fault
from bevatron.training.checkpoint import DurableCheckpointIO, find_newest_valid

HERE = Path(__file__).parent
COMPILER = shutil.which("cc") or shutil.which("gcc")
ALL = [*sorted(errno.errorcode), 524]
NOT_THERE = errno.ENOENT
RETRIED = errno.EINTR  # Python calls again
COMMON = [errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOLCK, errno.ETIMEDOUT, errno.EOPNOTSUPP, 524]


def refuses_well(said: str, path: Path) -> bool:
    return str(path.parent) in said and "delete" not in said and "damaged" not in said and "errno" in said


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """Calls that fail, as a library to be loaded before all others."""
    if COMPILER is None:
        pytest.skip("no C compiler; the same is tested by exceptions")
    path = tmp_path_factory.mktemp("library") / "system_faults.so"
    built = subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-o", path, HERE / "system_faults.c", "-ldl"], capture_output=True, text=True
    )
    if built.returncode:
        pytest.skip(f"the compiler cannot make a library: {built.stderr[:200]}")
    return path


def test_every_error_of_the_system_is_told_as_such(library, path_of):
    """`odd inputs`: a reader, a call, an errno, and the byte from which reads fail."""
    cases = []
    for _, rng in draws("system faults", 150):
        name = rng.choice(list(READERS))
        path = path_of(name)
        call = rng.choice(["open", "read", "read", "flock"])
        number = rng.choice(COMMON) if rng.random() < 0.5 else rng.choice(ALL)
        if number in (NOT_THERE, RETRIED, errno.EAGAIN) or (call == "read" and number == errno.EISDIR):
            number = errno.EIO
        after = rng.randrange(path.stat().st_size) if rng.random() < 0.5 else -1
        cases.append((name, str(path), call, number, after))
    environment = {**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])}
    done = subprocess.run(
        [sys.executable, HERE / "fail_by_system.py"], input="\n".join(map(json.dumps, cases)), env=environment,
        capture_output=True, text=True,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(cases), done.stderr[-2000:]
    bad, kinds = [], Counter()
    for case, (kind, said) in zip(cases, answers, strict=True):
        kinds[case[2], kind] += 1
        whole = kind == "read" or (kind == "FileNotFoundError" and case[3] == NOT_THERE)
        told = kind in ("system", "problem") and refuses_well(said, Path(case[1])) and "\n" not in said
        if case[0] == "trial_log.jsonl":  # opened for writing too
            told = told or (kind == "user" and "cannot be" in said and "delete" not in said)
        if not (whole or told) or (case[2] == "flock" and kind != "read"):
            bad.append((case, kind, said))
    assert not bad, (len(bad), bad[:5])
    assert kinds["open", "system"], kinds
    assert kinds["read", "system"], kinds


@pytest.mark.parametrize("number", NO_LOCKS)
def test_a_shard_is_read_where_there_are_no_locks(library, curve, number):
    """Also by the command, and as HDF5 is asked for locks it tells what to do."""
    shard = curve.manifest.parent / "train-0000.h5"
    code = "import sys; from bevatron.cli import main; main()"
    environment = {
        **os.environ, "LD_PRELOAD": str(library), "FAULT_CALL": "flock", "FAULT_NAME": shard.name,
        "FAULT_ERRNO": str(number), "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    command = [sys.executable, "-c", code, "inspect", str(shard)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    if number == NO_LOCKS[0]:
        asked = environment | {"HDF5_USE_FILE_LOCKING": "TRUE"}
        done = subprocess.run(command, env=asked, capture_output=True, text=True)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "cannot be locked: its file system has no locks" in line
        assert "HDF5_USE_FILE_LOCKING=FALSE" in line
        assert "delete" not in line


def test_a_lock_of_another_process_does_not_matter(curve):
    import fcntl

    with (curve.manifest.parent / "val-0000.h5").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with Shard(curve.manifest.parent / "val-0000.h5") as shard:
            assert len(shard) == 200


class FailingFile(io.FileIO):
    """A file whose reads fail from a byte on."""

    def __init__(self, descriptor: int, number: int, after: int):
        super().__init__(descriptor, "rb")
        self._number, self._after = number, after

    def _check(self, end: float) -> None:
        if end > self._after:
            raise OSError(self._number, os.strerror(self._number))

    def readinto(self, buffer: object) -> int | None:
        self._check(self.tell() + len(memoryview(buffer)))
        return super().readinto(buffer)

    def readall(self) -> bytes:
        self._check(float("inf"))
        return super().readall()


@pytest.mark.parametrize("name", [name for name in READERS if not name.endswith((".npz", "table.csv"))])
def test_the_same_by_exceptions(name, path_of, monkeypatch):
    """Where no compiler is: the error comes from the opening, or from a read."""
    path = path_of(name)
    for _, rng in draws(f"exceptions {name}", 6):
        number = rng.choice([n for n in ALL if n not in (NOT_THERE, RETRIED)])

        def failing(call, number=number):
            def fail(where, *rest, **more):
                if not isinstance(where, int) and Path(os.fsdecode(where)) == path:
                    raise OSError(number, os.strerror(number), str(where))
                return call(where, *rest, **more)

            return fail

        def fail_h5py(where, *_, number=number, **__):
            raise OSError(number, f"[Errno {number}] Unable to synchronously open file (file read failed: errno = 5)")

        with monkeypatch.context() as patch:
            if name.endswith(".h5") and rng.random() < 0.5:
                patch.setattr(h5py, "File", fail_h5py)
            elif rng.random() < 0.5 and not name.endswith(".h5"):
                after = rng.randrange(path.stat().st_size)
                patch.setattr(
                    regular_files.os, "fdopen",
                    lambda descriptor, mode, number=number, after=after: io.BufferedReader(
                        FailingFile(descriptor, number, after), 64
                    ),
                )  # fmt: skip
            else:
                call = rng.choice(["stat", "open"])
                patch.setattr(os, call, failing(getattr(os, call)))
            try:
                lines = READERS[name](path)
            except SystemFault as error:
                lines = [str(error)]
        for line in lines if isinstance(lines, list) and all(isinstance(line, str) for line in lines) else []:
            assert refuses_well(line, path), line
            assert is_one_line(ValueError(line)), line


@pytest.mark.parametrize("number", ALL)
def test_every_errno_has_words(number):
    if number == NOT_THERE:
        assert system_fault(OSError(number, "x"), "f") is None
        return
    for error in (
        OSError(number, "x"),
        OSError(f"Can't synchronously read data (file read failed: errno = {number}, error message = 'x')"),
        OSError(f"[Errno {number}] Error reading bytes from file"),
    ):
        fault = system_fault(error, "folder/some file")
        assert fault is not None
        assert refuses_well(str(fault), Path("folder/some file")), str(fault)
        assert fault.todo


@pytest.mark.parametrize("text", ["truncated file: eof = 96", "file signature not found", "no 'errno' here", ""])
def test_what_is_no_error_of_the_system_is_left_to_others(text):
    assert system_fault(OSError(text), "f") is None
    assert system_fault(ValueError("errno = 5"), "f") is None


def test_a_fit_does_not_begin_again_because_a_disk_was_away(tmp_path, monkeypatch):
    """An earlier checkpoint is used; with none the error is told."""
    for chunk in (1, 2):
        DurableCheckpointIO().save_checkpoint({"chunk": chunk}, tmp_path / f"chunk-{chunk:09d}.ckpt")
    real, away = os.open, {"chunk-000000002.ckpt"}

    def fail(path, *rest, **more):
        if Path(os.fsdecode(path)).name in away:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", fail)
    assert find_newest_valid(tmp_path) == tmp_path / "chunk-000000001.ckpt"
    away.add("chunk-000000001.ckpt")
    with pytest.raises(SystemFault, match="stale"):
        find_newest_valid(tmp_path)
    away.clear()
    (tmp_path / "chunk-000000002.ckpt").write_bytes(b"damaged")
    assert find_newest_valid(tmp_path) == tmp_path / "chunk-000000001.ckpt"
