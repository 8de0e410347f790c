"""Samples of all three layouts with known numbers, and small datasets made of them."""

from dataclasses import dataclass
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
SIDE = 12


def make_samples(n: int, first_id: int = 0) -> Samples:
    """n samples in which every number follows from the sample's id, so that any mix-up shows.

    jets: id, id / 2. tracks: id % 5 tracks, the k-th of (id + k / 8, -id). hits (int32): id % 3 of (id,). image: id % 4
    pixels in channel 0 and one in channel 1, of value id + 1. flavour: id % 3. energy: 2 id.
    """
    ids = np.arange(first_id, first_id + n)
    jets = np.stack([ids, ids / 2], axis=1).astype(np.float32)
    owner, tracks = _cut(ids, ids % 5)
    place = np.arange(len(owner)) - np.repeat(tracks[:-1], np.diff(tracks))
    hit_owner, hits = _cut(ids, ids % 3)
    pixel_owner, pixels = _cut(ids, ids % 4 + 1)
    number = np.arange(len(pixel_owner)) - np.repeat(pixels[:-1], np.diff(pixels))
    last = number == pixel_owner % 4
    index = np.where(last, SIDE * SIDE + pixel_owner % (SIDE * SIDE), number * 7).astype(np.int32)
    image = SparseImages(index, (pixel_owner + 1).astype(np.float32), pixels, (2, SIDE, SIDE))
    values = np.stack([owner + place / 8, -owner], axis=1).astype(np.float32)
    return Samples(
        {
            "jets": Group(Dense(jets), ("pt", "eta"), ("GeV", "1")),
            "tracks": Group(Ragged(values, tracks), ("d0", "z0"), ("mm", "mm")),
            "hits": Group(Ragged(hit_owner[:, None].astype(np.int32), hits), ("wire",), ("1",)),
            "image": Group(image, ("u", "v"), ("MeV", "MeV")),
        },
        {"flavour": ids % 3, "energy": (2 * ids).astype(np.float32)},
        ids.astype(np.uint64),
    )


def expected_of(ids: np.ndarray) -> Samples:
    """What a batch with these ids must hold."""
    everything = make_samples(int(ids.max(initial=0)) + 1)
    return everything.take(ids.astype(np.int64))


def make_study(shards: int = 1, seed: int = 1) -> Study:
    return Study.model_validate(
        {
            "name": "made",
            "title": "Made",
            "summary": "Numbers that follow from ids.",
            "simulation": {"source": Options(kind="gaussians"), "shards": shards, "seed": seed},
            "dataset": {"recipe": Options(kind="gaussians")},
            "task": {"kind": "classification", "target": "flavour", "classes": CLASSES, "signal": "beauty"},
            "models": {"net": {"title": "net", "architecture": {"kind": "mlp", "widths": [4]}, "inputs": ["jets"]}},
        }
    )


def attributes_of(study: Study) -> dict:
    return {
        "study": study.name,
        "source": "gaussians",
        "versions": {"ids": "1.0"},
        "digest": dataset_digest(study),
        **version_attributes(study),
        "seed": study.simulation.seed,
        "classes": CLASSES,
    }


@dataclass(frozen=True)
class MadeDataset:
    study: Study
    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "manifest.json"


def make_dataset(folder: Path, train: list[int], others: int = 6, compression: str = "lz4") -> MadeDataset:
    """Training shards of the sizes `train` with ids from 0 on, `others` samples a shard of the other splits."""
    study, first = make_study(len(train)), 0
    for split in ("train", "val", "test"):
        for number, size in enumerate(train if split == "train" else [others] * len(train)):
            path = folder / f"{split}-{number:04d}.h5"
            write_shard(path, make_samples(size, first), attributes_of(study), compression)
            first += size
    write_manifest(folder / "manifest.json", build_manifest(folder, study))
    return MadeDataset(study, folder)


def _cut(ids: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each element's id, and the offsets."""
    return np.repeat(ids, lengths), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
