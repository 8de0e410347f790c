"""The test samples that a panel shows, chosen by a rule and not by their looks, and what networks predict for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin  # noqa: F401  (its filters are those of the files)
import numpy as np

from bevatron.compute.numerics.probabilities import softmax
from bevatron.errors import UserError
from bevatron.report.results.study_results import ModelResults, StudyResults
from bevatron.store.files.hdf5 import attribute, dataset_at
from bevatron.store.files.verify import check_shard
from bevatron.store.shards.shard import Shard
from bevatron.store.shards.shard_metadata import group_info


@dataclass(frozen=True)
class Displayed:
    """Samples of one shard of the test split: its path, their rows (m,) there, rising, and their ids (m,) uint64."""

    path: Path
    rows: np.ndarray
    ids: np.ndarray


def first_of_each_class(results: StudyResults, target: str, n_classes: int, per_class: int) -> list[Displayed]:
    """The first samples of each class in the order of the test split; no more shards are read than that needs."""
    missing = np.full(n_classes, per_class)
    found = []
    for path, shard in _test_shards(results):
        labels = shard.read(f"targets/{target}").astype(np.int64)
        own = [np.flatnonzero(labels == k)[: missing[k]] for k in range(n_classes)]
        missing = missing - [len(rows) for rows in own]
        found.append((path, np.sort(np.concatenate(own)), shard.read("id")))
        if not missing.any():
            break
    return [Displayed(path, rows, ids[rows]) for path, rows, ids in found if len(rows)]


def first_samples(results: StudyResults, n: int) -> list[Displayed]:
    """The first n samples of the test split; all of a smaller one."""
    found: list[Displayed] = []
    for path, shard in _test_shards(results):
        ids = shard.read("id")[:n]
        n -= len(ids)
        found.append(Displayed(path, np.arange(len(ids)), ids))
        if n <= 0:
            break
    return [entry for entry in found if len(entry.rows)]


def _test_shards(results: StudyResults) -> Iterator[tuple[Path, Shard]]:
    """Each shard of the test split, checked and open. Raises UserError for one that is missing or was changed."""
    for entry in results.manifest.splits["test"]:
        path = results.folder / "dataset" / entry.file
        check_shard(path, entry, results.manifest)
        with Shard(path) as shard:
            yield path, shard


def features_of(shard: Shard, group: str) -> tuple[str, ...]:
    """Names of the features of an input group; `Shard.groups` reads what is known of all groups, each time."""
    return group_info(shard.dataset(f"inputs/{group}")).features


def has_group(shard: Shard, group: str) -> bool:
    """Whether a shard has an input group."""
    return f"inputs/{group}" in shard.file


def list_of(shard: Shard, place: str, row: int) -> np.ndarray:
    """The elements (k, n_features) of one sample's list, `place` being inputs/<group>; the others are not read."""
    start, stop = (int(i) for i in shard.dataset(f"{place}/offsets")[row : row + 2])
    return np.asarray(shard.dataset(f"{place}/values")[start:stop])


@contextmanager
def raw_shard(results: StudyResults, path: Path) -> Iterator[Shard | None]:
    """The raw shard that a shard of the dataset was made from; None where it is gone, damaged or of other settings."""
    with Shard(path) as shard:
        number, digest = shard.attributes.get("shard"), shard.attributes.get("raw_digest")
    raw = results.folder / "raw" / f"shard-{number:04d}.h5" if isinstance(number, int) else None
    if raw is None or not raw.is_file():
        yield None
        return
    with Shard(raw) as opened:
        try:
            usable = digest is not None and opened.attributes.get("digest") == digest
        except UserError:  # damaged: the truth is missing, the rest can be shown
            usable = False
        yield opened if usable else None


def predicted_outputs(results: StudyResults, model: ModelResults, ids: np.ndarray) -> np.ndarray | None:
    """What all seeds of a model predict for samples, (n_seeds, m, ...) in the order of `ids`; the others' predictions
    are not read. None where predictions.h5 is not here.

    Raises ValueError for predictions of another dataset, and where a sample is not among them.
    """
    path = results.folder / "evaluation" / model.name / "predictions.h5"
    if not path.is_file():
        return None
    with h5py.File(path, "r", locking=False) as file:
        if attribute(file, "manifest_sha256") != results.manifest.sha256:
            raise ValueError(f"{path.name} of {model.name} was made from another dataset")
        known = np.asarray(dataset_at(file, "id")[()])
        order = np.argsort(known, kind="stable")
        place = np.minimum(np.searchsorted(known, ids, sorter=order), len(known) - 1)
        rows = order[place]
        if not np.array_equal(known[rows], ids):
            raise ValueError(f"{path.name} of {model.name} lacks samples of the test split")
        rising, back = np.unique(rows, return_inverse=True)  # HDF5 reads rising rows only
        outputs = dataset_at(file, "outputs")
        return np.stack([np.asarray(outputs[seed, rising])[back] for seed in range(outputs.shape[0])])


def class_probabilities(results: StudyResults, ids: np.ndarray) -> list[dict[str, Any]]:
    """Of each model with predictions, its title and the probabilities of the classes, the mean over its seeds, as
    "probabilities" [sample][class] to four digits.
    """
    found = []
    for model in results.models.values():
        outputs = predicted_outputs(results, model, ids)
        if outputs is not None:
            mean = softmax(outputs).mean(0)
            found.append(
                {"name": model.name, "title": model.label, "seeds": len(outputs), "probabilities": rounded(mean, 4)}
            )
    return found


def most_accurate(results: StudyResults, models: list[dict[str, Any]]) -> int:
    """The place of the model with the largest measured accuracy among those of `class_probabilities`; 0 if unknown."""
    measured = [results.metric(model["name"], "accuracy") for model in models]
    values = [-1.0 if m is None or not np.isfinite(m.value) else m.value for m in measured]
    return int(np.argmax(values)) if values else 0


def rounded(values: np.ndarray, digits: int = 3) -> list[Any]:
    """Numbers for JSON, to some decimal digits; None where there is none (NaN, infinities)."""
    values = np.asarray(np.round(np.asarray(values, np.float64), digits) + 0.0)  # + 0.0: no -0.0
    found = values.astype(object)
    found[~np.isfinite(values)] = None
    return found.tolist()
