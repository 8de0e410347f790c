"""A package `bevatron` whose command line is Python itself: `bevatron CODE` says what a job of the server is like."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import bevatron

CLI = """
import sys

def main():
    if sys.argv[1] == "train":
        del sys.argv[1]
    exec(sys.argv[1], {"__name__": "job"})
"""
PRELOADED = """
IMPORTED_FIRST, IMPORTED_NEXT, NEED_BOTH = ("json", "bevatron.errors", "numpy", "tempfile"), ("decimal",), {"train"}
IMPORTED_FOR_RAY = ("colorsys",)

def needs_ray(arguments):
    return "# RAY" in arguments[1]

def import_all(names):
    for name in names:
        __import__(name)
        yield name
"""
# A workflow: starts the server, says where, and lives until its input ends.
WORKFLOW = """
import sys
from bevatron.fork_server.start import start_fork_server
print(start_fork_server(), flush=True)
sys.stdin.read()
"""


class Workplace:
    """A copy of the package, a workflow with a fork server, and commands with it and without."""

    def __init__(self, root: Path):
        self.root, self.package = root, root / "src/bevatron"
        shutil.copytree(Path(bevatron.__file__).parent, self.package, ignore=shutil.ignore_patterns("__pycache__"))
        (self.package / "cli.py").write_text(CLI)
        (self.package / "fork_server/preloaded.py").write_text(PRELOADED)
        self.environment = {**os.environ, "PYTHONPATH": str(root / "src"), "TMPDIR": str(root / "t")}
        (root / "t").mkdir()
        self.workflow: subprocess.Popen | None = None

    def start_workflow(self) -> Path:
        """The server's folder."""
        self.workflow = subprocess.Popen(
            [sys.executable, "-c", WORKFLOW], env=self.environment, cwd=self.root, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.folder = Path(self.workflow.stdout.readline().strip())
        return self.folder

    def start(self, code: str, by_server: bool = True, **how) -> subprocess.Popen:
        """`bevatron CODE`, not waited for."""
        extra = {"BEVATRON_FORK_SERVER": str(self.folder / "socket")} if by_server else {}
        how = {
            "cwd": self.root,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        } | how
        how["env"] = {**self.environment, **extra, **how.get("env", {})}
        wrapped = how.pop("wrapped", [])
        arguments = [code] if isinstance(code, str) else code
        return subprocess.Popen([*wrapped, sys.executable, "-m", "bevatron", *arguments], text=True, **how)

    def run(self, code: str, by_server: bool = True, **how) -> tuple[int, str, str]:
        """Exit code, output and error output."""
        process = self.start(code, by_server, **how)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def server(self) -> psutil.Process:
        return next(p for p in psutil.Process(self.workflow.pid).children() if "server import" in p.cmdline()[2])

    def templates(self) -> list[psutil.Process]:
        return [p for p in self.server().children() if "template import" in " ".join(p.cmdline())]

    def left(self) -> list[psutil.Process]:
        """Processes that have anything to do with this place."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("TMPDIR") == self.environment["TMPDIR"]:
                    found += [process] if process.status() != psutil.STATUS_ZOMBIE else []
        return found

    def end_workflow(self) -> None:
        if self.workflow is not None:
            self.workflow.stdin.close()
            self.workflow.wait(timeout=30)
            self.workflow.stdout.close()
            self.workflow = None


@pytest.fixture
def workplace(tmp_path):
    place = Workplace(tmp_path)
    place.start_workflow()
    yield place
    place.end_workflow()
    assert wait_until(lambda: not place.left()), place.left()
    assert list((place.root / "t").iterdir()) == []


def wait_until(condition, seconds: float = 20.0) -> bool:
    """Whether the condition becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(name="wait_until")
def _wait_until():
    return wait_until
