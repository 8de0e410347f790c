"""Python and the packages, against what this version of Bevatron asks for."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from bevatron.doctor.case import Case
from bevatron.doctor.finding import Finding, bad, good, note

NAMED = ("torch", "pytorch-lightning", "ray", "snakemake", "snakemake-executor-plugin-slurm")
CONTAINERS = {"/.dockerenv": "Docker", "/.singularity.d": "Apptainer", "/run/.containerenv": "Podman"}


def check_python(case: Case) -> Iterator[Finding]:
    """Python itself, and whether it runs in a container, which the batch system's commands must be visible from."""
    installed = ".".join(map(str, sys.version_info[:3]))
    required = metadata("bevatron")["Requires-Python"] or ">=3.11"
    inside = [name for path, name in CONTAINERS.items() if Path(path).exists()]
    text = f"{installed}, in a container of {inside[0]}" if inside else installed
    if SpecifierSet(required).contains(installed):
        yield good("Python", text)
    else:
        yield bad("Python", text, f"use Python {required}, or a container: see containers/")


def check_packages(case: Case) -> Iterator[Finding]:
    """Each package against the floors and exclusions of pyproject.toml: the named ones a line each, others if wrong."""
    wrong = 0
    for line in requires("bevatron") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = requirement.name
        try:
            installed = version(name)
        except PackageNotFoundError:
            wrong += 1
            yield bad(name, "not installed", f"pip install '{name}{requirement.specifier}'")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong += 1
            yield bad(name, f"{installed}, and {requirement.specifier} is asked for", f"pip install --upgrade '{line}'")
        elif _same(name, NAMED):
            yield good(name, installed)
    if not wrong:
        yield good("other packages", "as pyproject.toml asks for")


def check_htcondor_plugin(case: Case) -> Iterator[Finding]:
    """Whether Snakemake's plugin for HTCondor is installed."""
    try:
        yield good("snakemake-executor-plugin-htcondor", version("snakemake-executor-plugin-htcondor"))
    except PackageNotFoundError:
        yield bad("snakemake-executor-plugin-htcondor", "not installed", "pip install 'bevatron[htcondor]'")


def check_command(case: Case) -> Iterator[Finding]:
    """Jobs call `bevatron` by its name: it must be that of this environment."""
    import shutil

    installed = shutil.which("bevatron")
    beside = Path(sys.executable).parent / "bevatron"
    if installed is None:
        yield bad("bevatron in PATH", "not found", f"export PATH={beside.parent}:$PATH, or activate the environment")
    elif beside.exists() and Path(installed).resolve() != beside.resolve():
        yield note(
            "bevatron in PATH", f"{installed}, of another environment than {beside}", "activate this environment"
        )
    else:
        yield good("bevatron in PATH", installed)


def _same(name: str, names: tuple[str, ...]) -> bool:
    return re.sub(r"[-_.]+", "-", name).lower() in names
