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
