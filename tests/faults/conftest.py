"""The faults benchmark's own modules, and one undisturbed run of its tiny workflow."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


SERVER = """
import os, sys
from bevatron.fork_server.start import start_fork_server
start_fork_server()
print(os.environ["BEVATRON_FORK_SERVER"], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def fork_server(monkeypatch):
    """The commands of the test are forked by a server, which ends with it."""
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as workflow:
        monkeypatch.setenv("BEVATRON_FORK_SERVER", workflow.stdout.readline().strip())
        yield
        workflow.stdin.close()


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    from injection.place import Reference

    reference = Reference(tmp_path_factory.mktemp("faults") / "undisturbed")
    reference.make()
    return reference


@pytest.fixture(scope="session")
def inspector(reference):
    from injection.inspection import Inspector

    return Inspector(reference.root)
