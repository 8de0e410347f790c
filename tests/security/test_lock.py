"""requirements.lock: the tested versions, each with hashes, and nothing of any one machine."""

import re
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
# What a CPU build of PyTorch does not bring, or another operating system than Linux: not in constraints.txt.
ELSEWHERE = re.compile(r"(nvidia|cuda)-.*|triton|setuptools|colorama|pyreadline3")


def locked() -> dict[str, tuple[Requirement, list[str]]]:
    """Each package's requirement and the hashes that stand behind it."""
    text = re.sub(r"\\\n\s*", " ", LOCK.read_text())
    found = {}
    for line in (line for line in text.splitlines() if line and not line.startswith("#")):
        words, *hashes = line.split(" --hash=")
        requirement = Requirement(words)
        found[canonicalize_name(requirement.name)] = requirement, [digest.strip() for digest in hashes]
    return found


def constraints() -> dict[str, str]:
    lines = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.M)
    return {canonicalize_name(name): version for name, version in lines}


def test_every_line_is_one_version_with_sha256_hashes():
    assert len(locked()) > 100
    for name, (requirement, hashes) in locked().items():
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", name
        assert hashes, name
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", digest) for digest in hashes), name


def test_versions_are_those_of_the_constraints():
    known = constraints()
    for name, (requirement, _) in locked().items():
        (specifier,) = requirement.specifier
        if name in known:
            assert specifier.version == known[name], f"{name}: run `make lock`"
        else:
            assert ELSEWHERE.fullmatch(name), f"{name} stands in requirements.lock and not in constraints.txt"


def test_all_that_bevatron_needs_is_locked():
    """By the installed packages' own word: whatever Bevatron needs, and what that needs, to the end."""
    import tomllib

    tree = tomllib.loads((ROOT / "pyproject.toml").read_text())
    todo = [Requirement(line) for line in tree["project"]["dependencies"]]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        requirement = todo.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        assert name in locked(), f"{name} is needed and not locked: run `make lock`"
        try:
            needed = [Requirement(line) for line in requires(requirement.name) or []]
        except PackageNotFoundError:
            pytest.fail(f"{name} is not installed")
        for other in needed:
            if other.marker is None or any(other.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                todo.append(other)
    assert len(seen) > 80


def test_it_names_no_index_and_no_folder():
    lines = [line for line in LOCK.read_text().splitlines() if not line.lstrip().startswith("--hash=")]
    assert not [line for line in lines if re.search(r"https?:|file:|@ |/|^-", line)]
