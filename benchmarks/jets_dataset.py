"""Datasets for the benchmarks: numbers of the size and sparsity of jets and of wire-plane images, without
physics.

A jet has 16 kinematic and expert features and up to 15 tracks of 28 features, padded with zeros: 1.76 kB in
float32. About five tracks a jet, and features rounded to 12 bits of mantissa, let lz4 reach the compression
of real jets.
"""

from pathlib import Path

import numpy as np

from bevatron.config.loading.code_versions import version_attributes
from bevatron.config.loading.identity import dataset_digest
from bevatron.config.loading.kinds import Options
from bevatron.config.sections.study import Study
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples, SparseImages
from bevatron.store.shards.manifest import write_manifest
from bevatron.store.shards.shard import write_shard

CLASSES = ["light", "charm", "beauty"]
SIZES = {"val": 3_000, "test": 3_000}


def make_jets(folder: Path, jets: int = 1_000_000, shards: int = 4, seed: int = 1) -> Path:
    """A dataset with `jets` training samples in `folder`; returns its manifest, and keeps one made before."""
    return _make(folder, jets, shards, seed, jet_samples, "jets")


def make_lists(folder: Path, jets: int = 100_000, shards: int = 4, seed: int = 1) -> Path:
    """As `make_jets`, with the tracks as lists: 4 on average, at most 15."""
    return _make(folder, jets, shards, seed, list_samples, "jets")


def make_images(folder: Path, images: int = 20_000, shards: int = 2, seed: int = 1) -> Path:
    """As `make_jets`, of sparse images 288 × 288 with about 400 pixels each."""
    return _make(folder, images, shards, seed, image_samples, "images")


def jet_samples(n: int, first_id: int, random: np.random.Generator) -> Samples:
    flavour = (np.arange(n) % 3).astype(np.int64)
    jets = random.normal(size=(n, 16)).astype(np.float32) + flavour[:, None].astype(np.float32) / 8
    tracks = random.normal(size=(n, 15, 28)).astype(np.float32)
    tracks[np.arange(15) >= random.poisson(5, n)[:, None]] = 0
    group = {
        "jets": Group(Dense(_rounded(jets)), tuple(f"feature_{i}" for i in range(16)), ("1",) * 16),
        "tracks": Group(Dense(_rounded(tracks)), tuple(f"feature_{i}" for i in range(28)), ("1",) * 28),
    }
    return Samples(group, {"flavour": flavour}, np.arange(first_id, first_id + n, dtype=np.uint64))


def list_samples(n: int, first_id: int, random: np.random.Generator) -> Samples:
    samples = jet_samples(n, first_id, random)
    lengths = np.minimum(random.poisson(4, n), 15)
    dense = samples.inputs["tracks"]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tracks = _rounded(random.normal(size=(int(offsets[-1]), 28)).astype(np.float32))
    samples.inputs["tracks"] = Group(Ragged(tracks, offsets), dense.features, dense.units)
    return samples


def image_samples(n: int, first_id: int, random: np.random.Generator, side: int = 288) -> Samples:
    """Tracks of particles: random walks from a random wire, about 400 pixels each, with charges in MeV."""
    steps = 420
    angle = random.uniform(0, 2 * np.pi, (n, 1)) + np.cumsum(random.normal(0, 0.02, (n, steps)), axis=1)
    row = (random.uniform(0, side, (n, 1)) + np.cumsum(np.sin(angle), axis=1)).astype(np.int64) % side
    column = (random.uniform(0, side, (n, 1)) + np.cumsum(np.cos(angle), axis=1)).astype(np.int64) % side
    index = np.sort(row * side + column, axis=1)
    new = np.diff(index, axis=1, prepend=-1) > 0
    offsets = np.concatenate([[0], np.cumsum(new.sum(axis=1))]).astype(np.int64)
    charge = random.gamma(2.0, 0.5, int(offsets[-1])).astype(np.float32)
    images = SparseImages(index[new].astype(np.int32), _rounded(charge), offsets, (1, side, side))
    targets = {"flavour": (np.arange(n) % 3).astype(np.int64)}
    ids = np.arange(first_id, first_id + n, dtype=np.uint64)
    return Samples({"plane": Group(images, ("charge",), ("MeV",))}, targets, ids)


def _make(folder: Path, n: int, shards: int, seed: int, samples, name: str) -> Path:
    path = folder / "manifest.json"
    study = benchmark_study(name, shards, seed)
    if path.is_file():
        return path
    first = 0
    for split, size in {"train": n, **SIZES}.items():
        for number, part in enumerate(np.diff(np.linspace(0, size, shards + 1).astype(int)).tolist()):
            random = np.random.default_rng([seed, first])
            attributes = {
                "study": name,
                "source": "gaussians",
                "versions": {},
                "digest": dataset_digest(study),
                **version_attributes(study),
                "seed": seed,
                "classes": CLASSES,
                "split": split,
            }
            write_shard(folder / f"{split}-{number:04d}.h5", samples(part, first, random), attributes)
            first += part
    write_manifest(path, build_manifest(folder, study))
    return path


def benchmark_study(name: str, shards: int, seed: int) -> Study:
    return Study.model_validate(
        {
            "name": name,
            "title": name,
            "summary": "numbers for a benchmark",
            "simulation": {"source": Options(kind="gaussians"), "shards": shards, "seed": seed},
            "dataset": {"recipe": Options(kind="gaussians")},
            "task": {"kind": "classification", "target": "flavour", "classes": CLASSES, "signal": "beauty"},
            "models": {"none": {"title": "none", "architecture": {"kind": "mlp", "widths": [1]}, "inputs": ["jets"]}},
        }
    )


def _rounded(values: np.ndarray, bits: int = 12) -> np.ndarray:
    """float32 with the last bits of the mantissa zero, in place: measured quantities have no more digits."""
    words = values.view(np.uint32)
    words &= np.uint32(0xFFFFFFFF << (23 - bits) & 0xFFFFFFFF)
    return values
