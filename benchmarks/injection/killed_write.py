"""Runs a command of bevatron's that dies at a chosen step of writing a file.

    python killed_write.py STEP PATTERN BYTES COMMAND ...

PATTERN is matched against the path of the published file, relative to the working folder; BYTES is the size the file
would have. The steps are those of `bevatron.store.files.publish`, watched from outside: by an audit hook (opening) and
around `os.fsync` and `os.replace`. To die in mid-write the size of files is limited, and the kernel ends the process at
the byte that goes beyond (SIGXFSZ, as abrupt as SIGKILL); everywhere else the process sends itself SIGKILL.
"""

import fnmatch
import os
import re
import resource
import signal
import sys
from pathlib import Path

STEPS = ("opened", "half written", "written", "flushed", "renamed", "folder flushed")
PART = re.compile(r"\.(?P<name>.+)\.[^.]+-\d+\.[0-9a-f]+\.part")


def main(step: str, pattern: str, size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ours = Watched(step, pattern, size)
    sys.addaudithook(ours.audit)
    fsync, replace = os.fsync, os.replace
    renamed: list[str] = []

    def watched_fsync(descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        folder = path in renamed
        if (folder and step == "renamed") or (step == "written" and ours.writes(path)):
            die()
        fsync(descriptor)
        if folder and step == "folder flushed":
            die()

    def watched_replace(source: str | Path, target: str | Path, **options: int) -> None:
        match = ours.writes(source)
        if match and step == "flushed":
            die()
        replace(source, target, **options)
        if match:
            renamed.append(str(Path(target).parent.absolute()))

    os.fsync, os.replace = watched_fsync, watched_replace
    if pattern.endswith(".h5"):
        watch_hdf5(ours)
    from bevatron.cli import main as bevatron

    sys.argv = ["bevatron", *sys.argv[4:]]
    bevatron()


class Watched:
    """The file that is watched for: knows its temporary names, and limits its size when it is opened."""

    def __init__(self, step: str, pattern: str, size: int):
        self.limit = {"opened": 0, "half written": size // 2}.get(step)
        self.pattern = pattern

    def writes(self, path: object) -> bool:
        """Whether `path` is a temporary name of the file."""
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        path = Path(os.fsdecode(path)).absolute()
        found = PART.fullmatch(path.name)
        if found is None:
            return False
        published = os.path.relpath(path.with_name(found["name"]))
        return fnmatch.fnmatch(published, self.pattern)

    def audit(self, event: str, arguments: tuple) -> None:
        if event == "open" and self.limit is not None:
            path, mode, flags = arguments
            writing = any(letter in mode for letter in "wax+") if mode else flags & (os.O_WRONLY | os.O_RDWR)
            if writing and self.writes(path):
                self.limit_size()

    def limit_size(self) -> None:
        if self.limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, self.limit))


def watch_hdf5(ours: Watched) -> None:
    """HDF5 opens files without Python's knowledge."""
    import h5py

    class File(h5py.File):
        def __init__(self, name: object, mode: str = "r", **options: object):
            if mode == "w" and ours.writes(name):
                ours.limit_size()
            super().__init__(name, mode, **options)

    h5py.File = File


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
