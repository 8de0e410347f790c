"""The inspector: what is wrong with what was published, found without the product's own checks.

It compares every published file with that of the undisturbed run (SHA-256, times left out), counts the samples of every
dataset by their ids (h5py), and compares the weights bit for bit.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (h5py reads compressed shards by it)
import numpy as np

from injection.settled import fingerprint
from injection.workflow import STUDIES

SPLITS = ("train", "val", "test")


@dataclass
class Found:
    """What is wrong in a place: paths relative to it, and numbers of samples."""

    corrupt: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    weights: list[str] = field(default_factory=list)
    lost: int = 0
    duplicated: int = 0
    leftovers: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether everything is published and right; leftovers of killed writers, under hidden names, do no harm."""
        return not (self.corrupt or self.missing or self.weights or self.lost or self.duplicated)


class Inspector:
    """Knows what the undisturbed run published under `reference`/results."""

    def __init__(self, reference: Path, studies: Iterable[str] = tuple(STUDIES)):
        self.files = {path: fingerprint(reference / path) for path in _published(reference)}
        self.weights = {path: _sha256(reference / path) for path in self.files if path.endswith(".safetensors")}
        self.ids = {study: _Ids(reference, study) for study in studies}

    def look(self, root: Path, yet_to_come: Collection[str] = (), damaged_on_purpose: Collection[str] = ()) -> Found:
        """What is wrong under `root`. Files in `yet_to_come` may be absent; of damaged ones nothing is asked."""
        found = Found()
        for path, expected in self.files.items():
            if path in damaged_on_purpose:
                continue
            if not (root / path).is_file():
                found.missing += [path] * (path not in yet_to_come)
            elif path in self.weights:
                found.weights += [path] * (_sha256(root / path) != self.weights[path])
            elif not _settles_to(root / path, expected):
                found.corrupt.append(path)
        found.corrupt += [path for path in _published(root) if path not in self.files]
        found.corrupt += _wrong_checksums(root, damaged_on_purpose)
        found.leftovers = [str(path.relative_to(root)) for path in root.glob("results/**/.*.part")]
        for study, ids in self.ids.items():
            lost, duplicated = ids.compare(_Ids(root, study, damaged_on_purpose))
            found.lost, found.duplicated = found.lost + lost, found.duplicated + duplicated
        return found


class _Ids:
    """The ids of a study's samples, file by file: (n,) uint64 each; unreadable files are left to the fingerprints."""

    def __init__(self, root: Path, study: str, left_out: Collection[str] = ()):
        place = Path("results") / study
        patterns = ("raw/*.h5", *(f"dataset/{split}-*.h5" for split in SPLITS), "evaluation/*/predictions.h5")
        self.files: dict[str, np.ndarray] = {}
        for path in (path for pattern in patterns for path in sorted((root / place).glob(pattern))):
            name = str(path.relative_to(root))
            if name not in left_out and (ids := _ids(path)) is not None:
                self.files[name] = ids

    def of(self, part: str, names: Iterable[str]) -> Counter[int]:
        return Counter(i for name in names if f"/{part}" in name for i in self.files[name].tolist())

    def compare(self, found: "_Ids") -> tuple[int, int]:
        """Samples lost and duplicated in the files that are there, over raw shards, over splits, and in predictions."""
        lost = duplicated = 0
        for part in ("raw/", "dataset/", "evaluation/"):
            expected, seen = self.of(part, set(self.files) & set(found.files)), found.of(part, found.files)
            lost += (expected - seen).total()
            duplicated += (seen - expected).total()
        return lost, duplicated


def _published(root: Path) -> list[str]:
    """All files in results/ but Snakemake's own benchmarks and what is hidden."""
    files = (path.relative_to(root) for path in sorted((root / "results").rglob("*")) if path.is_file())
    return [str(path) for path in files if not path.name.startswith(".") and path.parts[1] != "benchmarks"]


def _settles_to(path: Path, expected: str) -> bool:
    try:
        return fingerprint(path) == expected
    except ValueError:
        return False


def _wrong_checksums(root: Path, left_out: Collection[str]) -> list[str]:
    """Files whose SHA-256 is not the one that a runs.json, or a provenance.json of the report, tells of it; one that
    was damaged on purpose tells nothing: the bit that was turned may be one of a digest."""
    told: dict[Path, str] = {}
    for path in root.glob("results/*/models/*/runs.json"):
        for run in _json(path).get("runs", []) if str(path.relative_to(root)) not in left_out else []:
            told |= {path.parent / run["folder"] / name: digest for name, digest in run["files"].items()}
    for path in (root / "results" / "report").rglob("provenance.json"):
        told |= {path.parent / name: digest for name, digest in _json(path).get("files", {}).get("report", {}).items()}
    named = {str(path.relative_to(root)): path for path, digest in told.items() if path.is_file()}
    return [name for name, path in named.items() if name not in left_out and _sha256(path) != told[path]]


def _json(path: Path) -> dict[str, Any]:
    """The file's content; nothing of one that is not whole, which the fingerprint says."""
    try:
        return json.loads(path.read_bytes())
    except ValueError:
        return {}


def _ids(path: Path) -> np.ndarray | None:
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            return file["id"][()]
    except (OSError, KeyError, RuntimeError, ValueError):
        return None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
