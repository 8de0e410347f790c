"""No version with a known vulnerability can be installed: pip must refuse those of docs/explanation/security.md."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]

# Package: (first version without the hole, advisory). Direct dependencies must exclude older ones in pyproject.toml.
FLOORS = [
    ("torch", "2.6.0", "CVE-2025-32434"),
    ("torch", "2.10.0", "CVE-2026-24747"),
    ("pytorch-lightning", "2.6.1", "CVE-2026-31221"),
    ("pytorch-lightning", "2.6.4", "GHSA-w37p-236h-pfx3"),
    ("pytorch-lightning", "2.6.6", "GHSA-qqmf-gpg7-g8gw"),
    ("ray", "2.52.0", "CVE-2025-62593"),
    ("ray", "2.55.0", "CVE-2026-41486"),
    ("ray", "2.56.0", "CVE-2026-57516"),
    ("jinja2", "3.1.6", "CVE-2025-27516"),
    ("pyyaml", "5.4", "CVE-2020-14343"),
    ("aiohttp", "3.14.4", "PYSEC-2026-4371"),
    ("protobuf", "6.33.5", "CVE-2026-0994"),
    ("pyarrow", "14.0.1", "CVE-2023-47248"),
]
MALICIOUS = [("pytorch-lightning", "2.6.2"), ("pytorch-lightning", "2.6.3")]


def requirements() -> dict[str, Requirement]:
    """The direct dependencies, as pyproject.toml has them."""
    tree = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found = [Requirement(line) for line in tree["project"]["dependencies"]]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def pinned(file: str) -> dict[str, Version]:
    """The versions in constraints.txt or requirements.lock."""
    lines = re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", (ROOT / file).read_text(), re.M)
    return {canonicalize_name(name): Version(version) for name, version in lines}


def just_below(floor: str) -> list[str]:
    """Versions just before the floor."""
    *first, last = Version(floor).release
    if last:
        return [".".join(map(str, (*first, last - 1))), ".".join(map(str, (*first, last - 1, 99)))]
    return [".".join(map(str, (*first[:-1], first[-1] - 1, 99)))]


@pytest.mark.parametrize(("package", "floor", "advisory"), FLOORS)
def test_pip_is_told_of_no_version_with_a_known_hole(package, floor, advisory):
    requirement = requirements().get(package)
    if requirement is not None:
        assert floor in requirement.specifier or any(Version(floor) < Version(s.version) for s in requirement.specifier)
        assert not [version for version in just_below(floor) if version in requirement.specifier], requirement
    for file in ("constraints.txt", "requirements.lock"):
        assert pinned(file)[package] >= Version(floor), file
    assert re.search(
        rf"^\| {re.escape(package)} \|.*{re.escape(advisory)}",
        (ROOT / "docs/explanation/security.md").read_text(),
        re.M,
    )


@pytest.mark.parametrize(("package", "version"), MALICIOUS)
def test_malicious_releases_are_excluded(package, version):
    assert version not in requirements()[package].specifier
    for file in ("constraints.txt", "requirements.lock"):
        assert str(pinned(file)[package]) != version


def test_every_direct_dependency_has_a_floor():
    without = [r.name for r in requirements().values() if not any(s.operator in (">=", "==") for s in r.specifier)]
    assert without == []


def test_constraints_pin_exact_versions_that_satisfy_the_floors():
    versions = pinned("constraints.txt")
    for name, requirement in requirements().items():
        assert versions[name] in requirement.specifier, requirement
