"""The Makefile makes its environment again with another Python than that environment's own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_an_activated_environment_does_not_make_itself_anew():
    """It would be emptied first, and its Python with it."""
    path = f"{ROOT}/.venv/bin:{os.environ['PATH']}"
    done = subprocess.run(
        ["make", "--always-make", "--dry-run", ".venv/ready"],
        cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    (line,) = [line for line in done.stdout.splitlines() if "-m venv" in line]
    python = Path(line.split()[0])
    assert python.is_absolute()
    assert python.parent != ROOT / ".venv" / "bin"


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    for part in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / part, folder / part)
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    kept = {name: value for name, value in os.environ.items() if name != "XDG_CONFIG_HOME"}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env={**kept, **environment}, capture_output=True, text=True
    )  # fmt: skip


@pytest.mark.parametrize("name", ["plain", "a folder with spaces", 'a $(touch made) `touch made` "quoted" * folder'])
def test_profiles_are_linked_from_a_folder_of_any_name(name, tmp_path):
    folder, home = tmp_path / name / "bevatron", tmp_path / "my home"
    folder.mkdir(parents=True)
    done = make(folder, "profiles", HOME=str(home))
    assert done.returncode == 0, done.stderr
    links = {link.name: link.resolve() for link in (home / ".config" / "snakemake").iterdir()}
    profiles = {path.parent.name: path.parent for path in (folder / "profiles").glob("*/config.yaml")}
    assert links == profiles
    assert "cluster" in links
    assert not list(folder.glob("**/made"))


ODD_HOMES = ["my home", "$(touch made)", 'a "quoted" `touch made` home']


@pytest.mark.parametrize("home", ODD_HOMES)
def test_profiles_are_linked_below_a_home_of_any_name(home, tmp_path):
    folder = tmp_path / "bevatron"
    folder.mkdir()
    done = make(folder, "profiles", HOME=str(tmp_path / home))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / home / ".config" / "snakemake" / "cluster").resolve() == folder / "profiles" / "cluster"
    assert not list(tmp_path.rglob("made"))


STUB = """#!/bin/sh
printf '%s|' "$PWD" "$(basename "$0")" "$@" >> calls; echo >> calls
"""
TARGETS = ("demo", "test", "test-cluster", "bench", "docs", "lint", "lock", "profiles", "clean")


@pytest.mark.parametrize("name", ["spaces and * [glob] ? signs", "a & b ; c # % | < > ~ ! ^", "-dash é日本", "( )"])
def test_every_target_works_in_a_folder_of_any_name(name, tmp_path):
    """With an environment of stubs, which write down what is called and where."""
    folder = tmp_path / name
    folder.mkdir()
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(ROOT / "constraints.txt", folder)
    for target in TARGETS:
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True, exist_ok=True)
        for program in ["snakemake", "pytest", "python", "mkdocs", "ruff", "lint-imports", "pyright", "snakefmt", "uv"]:
            (programs / program).write_text(STUB)
            (programs / program).chmod(0o755)
        (folder / "site").mkdir(exist_ok=True)
        (folder / ".venv" / "ready").touch()
        os.utime(folder / ".venv" / "ready", (2**33, 2**33))
        shutil.rmtree(folder / "profiles", ignore_errors=True)
        done = make(folder, target, HOME=str(tmp_path / "home"))
        assert done.returncode == 0, (target, done.stderr)
        calls = (folder / "calls").read_text() if (folder / "calls").exists() else ""
        (folder / "calls").unlink(missing_ok=True)
        assert calls or target in ("profiles", "clean"), target
        assert all(line.startswith(f"{folder}|") for line in calls.splitlines()), calls
        if target in ("demo", "docs"):
            assert f"{folder}/" in done.stdout
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize(
    ("home", "cache"), [("/proc/nohome", "{folder}/.snakemake/cache"), ("", "{folder}/.snakemake/cache"), ("home", "")]
)
def test_a_home_that_cannot_be_written_needs_no_cache(home, cache, tmp_path):
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (programs / "snakemake").write_text(STUB + 'echo "cache $XDG_CACHE_HOME"\n')
    (programs / "snakemake").chmod(0o755)
    (tmp_path / ".venv" / "ready").touch()
    os.utime(tmp_path / ".venv" / "ready", (2**33, 2**33))
    done = make(tmp_path, "demo", HOME=str(tmp_path / home) if home == "home" else home, XDG_CACHE_HOME="")
    assert f"cache {cache.format(folder=tmp_path)}\n" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "name", ["a{brace", "brace}", "line\nbreak", "dollar$x", 'quote"d', "back`quote", "back\\slash"]
)
def test_a_folder_that_a_tool_cannot_work_in_is_refused_in_one_line(name, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    done = make(folder, "demo", HOME=str(tmp_path / "home"))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "move it to another" in line
    assert not (folder / ".venv").exists()


def test_python_may_be_in_a_folder_with_a_space(tmp_path):
    (tmp_path / "my python").mkdir()
    (tmp_path / "my python" / "python3").symlink_to(shutil.which("python3"))
    done = make(tmp_path, "--dry-run", ".venv/ready", f"PYTHON={tmp_path}/my python/python3")
    assert "/my\\ python/python3 -m venv" in done.stdout


@pytest.mark.parametrize("name", ["an apostrophe's folder", "a:colon"])
def test_a_folder_that_no_path_can_name_is_refused_in_one_line(name, tmp_path):
    folder, home = tmp_path / name, tmp_path / "home"
    folder.mkdir()
    for target in ("profiles", "demo"):
        shutil.rmtree(folder / "profiles", ignore_errors=True)
        done = make(folder, target, HOME=str(home))
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "colon or an apostrophe" in line
    assert not home.exists()
