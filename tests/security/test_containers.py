"""The container files agree with the project: its Python, its lock, no root, nothing unpinned."""

import os
import re
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
FILES = {"Dockerfile": r"^FROM (\S+)$", "bevatron.def": r"^From: (\S+)$"}


def text_of(name: str) -> str:
    return (ROOT / "containers" / name).read_text()


def images() -> set[str]:
    return {image for name, pattern in FILES.items() for image in re.findall(pattern, text_of(name), re.M)}


def test_both_start_from_one_small_image_of_a_pinned_python_that_bevatron_supports():
    (image,) = images()
    found = re.fullmatch(r"python:(\d+\.\d+\.\d+)-slim-[a-z]+", image)
    assert found, image
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert found[1] in SpecifierSet(required)


@pytest.mark.parametrize("name", FILES)
def test_everything_is_installed_from_the_lock_with_hashes_and_bevatron_without_more(name):
    installs = re.findall(r"pip install (.+)$", text_of(name), re.M)
    assert installs == ["--require-hashes -r requirements.lock", "--no-deps --no-build-isolation ."]
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    (locked,) = re.findall(r"^setuptools==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    assert locked in SpecifierSet(backend[0].removeprefix("setuptools"))


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_copied_are_there(name):
    lines = text_of(name).splitlines()
    if name == "Dockerfile":
        copied = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1] if "--" not in word]
        ignored = (ROOT / ".dockerignore").read_text().splitlines()
        assert all(f"!{path}" in ignored for path in copied)
    else:
        section = lines[lines.index("%files") + 1 : lines.index("%post")]
        copied = [line.split()[0] for line in section if line.strip()]
    assert len(copied) >= 5
    assert all((ROOT / path).exists() for path in copied), copied


def test_the_image_does_not_run_as_root():
    lines = [line for line in text_of("Dockerfile").splitlines() if re.match(r"USER|ENTRYPOINT", line)]
    assert lines[0] == "USER bevatron"
    assert lines[1].startswith("ENTRYPOINT")


def test_the_entrypoint_starts_snakemake_or_bevatron(tmp_path):
    import subprocess

    for name in ("snakemake", "bevatron"):
        (tmp_path / name).write_text(f'#!/bin/sh\nprintf "%s|" {name} "$@"\n')
        (tmp_path / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}

    def said(*arguments: str) -> str:
        command = ["sh", str(ROOT / "containers" / "entrypoint.sh"), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert said("snakemake", "-n", "a b") == "snakemake|-n|a b|"
    assert said("inspect", "a; touch b") == "bevatron|inspect|a; touch b|"
    assert said("--help") == "bevatron|--help|"
    assert os.access(ROOT / "containers" / "entrypoint.sh", os.X_OK)


@pytest.mark.parametrize("name", FILES)
def test_what_was_not_built_says_so(name):
    assert "UNTESTED" in text_of(name)
