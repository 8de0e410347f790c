"""Where compiled code is kept: never in the package, never stale, and not at all where nothing can be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
from bevatron.compute.numerics.compiled import compiled
from {name}.other import twice

@compiled
def result(x):
    return twice(x) + 1
"""
OTHER = """
from bevatron.compute.numerics.compiled import compiled

@compiled
def twice(x):
    return {factor} * x
"""


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "site" / "toy"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "module.py").write_text(MODULE.format(name="toy"))
    (folder / "other.py").write_text(OTHER.format(factor=2))
    return folder


def run(package: Path, **environment) -> list[str]:
    """The result of result(20), and how often the machine code was found in the cache."""
    code = "from toy.module import result; print(result(20)); print(sum(result.stats.cache_hits.values()))"
    kept = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    path = os.pathsep.join([str(package.parent), *(p for p in sys.path if p)])
    settings = kept | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | environment
    done = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True, check=True)
    assert not done.stderr
    return done.stdout.split()


def test_code_is_kept_in_the_users_cache_and_found_again(package, tmp_path):
    for hits in ("0", "1"):
        assert run(package, XDG_CACHE_HOME=str(tmp_path / "cache")) == ["41", hits]
    assert {path.name for path in package.iterdir()} == {"__init__.py", "module.py", "other.py"}
    assert list((tmp_path / "cache" / "bevatron" / "compiled").rglob("*.nbi"))


def test_the_callers_code_is_made_anew_when_what_it_calls_changes(package, tmp_path):
    """numba alone would run the old code: it looks at the caller's file only."""
    place = str(tmp_path / "cache")
    assert run(package, NUMBA_CACHE_DIR=place) == ["41", "0"]
    (package / "other.py").write_text(OTHER.format(factor=3))
    assert run(package, NUMBA_CACHE_DIR=place) == ["61", "0"]


FAR = """
from toy.deep import factors
from toy.deep.numbers import thrice
from bevatron.compute.numerics.compiled import compiled

@compiled
def result(x):
    return thrice(x) + 1
"""
DEEP = """
from bevatron.compute.numerics.compiled import compiled
from ..other import twice

@compiled
def thrice(x):
    return twice(x) + x
"""


@pytest.fixture
def spread(package):
    """Its functions call others in a folder below, and those call some in the folder above."""
    (package / "deep").mkdir()
    (package / "deep" / "__init__.py").touch()
    (package / "deep" / "factors.py").write_text("import toy.unused\n")
    (package / "deep" / "numbers.py").write_text(DEEP)
    (package / "unused.py").touch()
    (package / "stranger.py").touch()
    (package / "module.py").write_text(FAR)
    return package


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("other.py", OTHER.format(factor=3), ["81", "0"]),
        ("deep/numbers.py", DEEP.replace("+ x", "- x"), ["21", "0"]),
        ("unused.py", "# imported by what is imported\n", ["61", "0"]),
        ("stranger.py", "# imported by nobody\n", ["61", "1"]),
    ],
)
def test_what_is_called_in_other_folders_counts_too(spread, tmp_path, file, text, expected):
    place = str(tmp_path / "cache")
    assert run(spread, NUMBA_CACHE_DIR=place) == ["61", "0"]
    (spread / file).write_text(text)
    assert run(spread, NUMBA_CACHE_DIR=place) == expected


def test_without_a_place_to_write_it_compiles_all_the_same(package, tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()  # a folder below a file cannot be made, not even by root
    assert run(package, XDG_CACHE_HOME=str(blocked)) == ["41", "0"]
    assert {path.name for path in package.iterdir()} == {"__init__.py", "module.py", "other.py"}


def test_types_of_other_packages_are_left_to_others(package, tmp_path):
    """numba loads every installed extension before it compiles anything: ours need none, and others still find them."""
    extension = package.parent / "teaching"
    (extension.parent / "teaching-1.0.dist-info").mkdir()
    (extension.parent / "teaching-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: teaching\n")
    entry_points = "[numba_extensions]\ninit = teaching:init\n"
    (extension.parent / "teaching-1.0.dist-info" / "entry_points.txt").write_text(entry_points)
    extension.mkdir()
    (extension / "__init__.py").write_text("loaded = 0\n\n\ndef init():\n    global loaded\n    loaded += 1\n")
    code = (
        "import numba, teaching; from toy.module import result; print(result(20), teaching.loaded); "
        "print(numba.njit(lambda x: x + 1)(1), teaching.loaded)"
    )
    path = os.pathsep.join([str(package.parent), *(p for p in sys.path if p)])
    settings = os.environ | {"PYTHONPATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for _ in ("compiled", "from the cache"):
        done = subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["41", "0", "2", "1"]
