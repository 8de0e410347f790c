"""The faults benchmark's own modules, and one undisturbed run of its tiny workflow."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


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
