"""The container files agree with the project: its Python, its lock, no root, nothing unpinned."""

import hashlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
FILES = {"Dockerfile": r"^ARG BASE=(\S+)$", "bevatron.def": r"^From: (\S+)$"}
CPU_LOCK = ROOT / "containers" / "cpu_lock.py"


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
    assert re.findall(r"^FROM .*$", text_of("Dockerfile"), re.M) == ["FROM ${BASE}"]


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
        (lock,) = re.findall(r"^ARG REQUIREMENTS=(\S+)$", text_of(name), re.M)
        copied = [lock if word == "${REQUIREMENTS}" else word for word in copied]
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


def test_a_user_without_an_entry_in_the_images_passwd_has_a_name():
    """`docker run -u` makes one, and Snakemake stops with a KeyError where neither passwd nor USER has a name."""
    assert re.search(r"^ENV .*\bUSER=\w+", text_of("Dockerfile"), re.M)
    (user,) = re.findall(r"^user=(\d+):\d+$", text_of("test_image.sh"), re.M)
    assert user not in re.findall(r"--uid (\d+)", text_of("Dockerfile"))  # so that the test of the image is such a one


def test_the_entrypoint_starts_snakemake_or_bevatron(tmp_path):
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


def run_cpu_lock(wheel: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, CPU_LOCK, wheel], capture_output=True, text=True)


def pinned_in(lock: str) -> dict[str, str]:
    """Name and version of each package, with its marker and hashes."""
    entries = re.split(r"^(?=\w)", lock, flags=re.M)[1:]
    return {re.split(r"[=\s]", entry)[0]: entry for entry in entries}


def test_the_lock_for_the_cpu_differs_from_the_lock_in_torch_and_what_only_cuda_needs(tmp_path):
    full = pinned_in((ROOT / "requirements.lock").read_text())
    version = re.match(r"torch==(\S+)", full["torch"])[1]
    wheel = tmp_path / f"torch-{version}+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"
    wheel.write_bytes(b"wheel")
    done = run_cpu_lock(wheel)
    assert done.returncode == 0, done.stderr
    cpu = pinned_in(done.stdout)
    assert all(name.startswith(("nvidia-", "cuda-")) or name == "triton" for name in full.keys() - cpu.keys())
    assert not any("cuda" in name or "nvidia" in name for name in cpu)
    assert [name for name in cpu if cpu[name] != full[name]] == ["torch"]
    assert cpu["torch"].split() == [f"torch=={version}", "\\", f"--hash=sha256:{hashlib.sha256(b'wheel').hexdigest()}"]


def test_a_wheel_of_another_version_is_refused_by_name(tmp_path):
    wheel = tmp_path / "torch-1.0.0+cpu-cp311-cp311-linux_x86_64.whl"
    wheel.write_bytes(b"wheel")
    done = run_cpu_lock(wheel)
    assert done.returncode == 1
    assert "torch-1.0.0" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_build_without_a_registry_gives_arguments_that_the_dockerfile_has():
    script = text_of("build_without_registry.sh")
    assert os.access(ROOT / "containers" / "build_without_registry.sh", os.X_OK)
    declared = set(re.findall(r"^ARG (\w+)=", text_of("Dockerfile"), re.M))
    assert set(re.findall(r"--build-arg (\w+)=", script)) == declared
    (lock,) = re.findall(r"cpu_lock\.py .* >(\S+)$", script, re.M)
    assert lock == "$requirements"
    assert "build/requirements-cpu.lock" in re.findall(r"^ *requirements=(\S+)$", script, re.M)


def test_what_was_not_built_says_so():
    assert "UNTESTED" in text_of("bevatron.def")
    assert "bevatron.def" in text_of("README.md").partition("## Not built or run")[2]
