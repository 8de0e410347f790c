"""`predictions.h5`: what every seed of a model said of every test sample."""

from pathlib import Path

import h5py
import hdf5plugin
import numpy as np

from bevatron.evaluate.evaluation import Predictions
from bevatron.store.files.publish import publishing
from bevatron.store.shards.shard import LIBRARY

SCHEMA_VERSION = 1
CHUNK_BYTES = 1 << 19


def write_predictions(path: Path, predictions: Predictions, attributes: dict[str, str], seeds: list[int]) -> None:
    """Publishes the file: `/outputs` (n_seeds, n, n_outputs) float32 (of a detection (n_seeds, n, max_detections, 6),
    of a segmentation (n_seeds, n, n_classes, n_classes): pixels by true and predicted class),
    `/targets/<name>` (n, ...), `/id` (n,) uint64, and where the dataset has them `/event` (n,) uint64, `/weight` (n,)
    and `/observers/<name>` (n,); of a cross-validation `/fold` (n,) int64, which the networks have not seen.

    Attributes of the root: schema_version, seeds (in the order of the first axis), and those given (study,
    model, manifest_sha256, what the outputs are).
    """
    columns = {"outputs": predictions.outputs, "id": predictions.id}
    if predictions.event is not None:
        columns["event"] = predictions.event
    if predictions.weight is not None:
        columns["weight"] = predictions.weight
    if predictions.fold is not None:
        columns["fold"] = predictions.fold
    columns |= {f"observers/{name}": values for name, values in predictions.observers.items()}
    columns |= {f"targets/{name}": target for name, target in predictions.targets.items()}
    with (
        publishing(path) as part,
        h5py.File(part, "w", libver=LIBRARY, locking=False) as file,
    ):
        for name, values in columns.items():
            leading = values.shape[:1] if name == "outputs" else ()
            row = max(1, int(np.prod(values.shape[len(leading) + 1 :])) * values.itemsize)
            n = values.shape[len(leading)]
            chunk = (
                *(1 for _ in leading),
                min(n, max(1, CHUNK_BYTES // row)),
                *values.shape[len(leading) + 1 :],
            )
            file.create_dataset(name, data=values, chunks=chunk, track_times=False, fletcher32=True, **hdf5plugin.LZ4())
        file.attrs["schema_version"] = SCHEMA_VERSION
        file.attrs["seeds"] = np.array(seeds, np.int64)
        for name, value in sorted(attributes.items()):
            file.attrs[name] = value
