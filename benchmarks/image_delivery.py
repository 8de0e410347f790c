"""Full-size images of three wire planes, delivered dense, against lz4- and gzip-compressed dense HDF5, side by side.

    python benchmarks/image_delivery.py [--events 600] [--folder FOLDER]

Events of the study `lartpc` (five particles of 100 MeV to 1 GeV), simulated and prepared here: three planes of 576 ×
576 pixels, float32, in batches of 16. Ours come shuffled from sparse shards through the streaming reader and are
scattered into a buffer that is used again. The references read dense HDF5 of one image a chunk with h5py's
`read_direct` into a reused array, in file order. Repetitions alternate and medians are compared. The fraction of the
dense size on disk is printed as well.
"""

import argparse
import tempfile
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import torch
from readers import row, show, side_by_side

from bevatron.config.loading.load import apply_scale, validate_section
from bevatron.config.loading.yaml_text import parse_yaml
from bevatron.config.sections.study import Study
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.stage import simulate_shard
from bevatron.store.readers.batch import ImageBuffer, images
from bevatron.store.readers.split import describe
from bevatron.store.readers.streaming import StreamingReader
from bevatron.store.shards.manifest import load_manifest

BATCH = 16
HIRES = {"hires": {"rebin": 1, "planes": ["u", "v", "y"]}}
REQUIRED = {"lz4": 5.0, "gzip": 50.0}
FILTERS = {"lz4": dict(hdf5plugin.LZ4()), "gzip": {"compression": "gzip", "compression_opts": 4}}


def main(events: int = 600, folder: Path | None = None) -> list[dict]:
    """One row for each compression: name, ours and reference in images/s, their ratio, and the ratio required."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(folder or temporary)
        manifest_path = make_dataset(folder, events)
        manifest = load_manifest(manifest_path)
        count = manifest.n_samples("train")
        reader = StreamingReader(describe(manifest_path, "train", groups=["hires"]), BATCH, 1_000, 2, 4e9)
        dense, shape = all_images(reader, count)
        sparse_bytes = hires_bytes(folder)
        print(f"sparse on disk: {sparse_bytes / (count * np.prod(shape) * 4):.2%} of the dense size", flush=True)
        rows = []
        with reader:
            for name, filters in FILTERS.items():
                path = folder / f"{name}.h5"
                write_dense(path, dense, filters)
                ours, reference = side_by_side(drawing(reader), lambda path=path: read_dense(path))
                required = REQUIRED[name]
                rows.append(row(f"images 3 × 576 × 576, against {name}", count / ours, count / reference, required))
        return rows


def make_dataset(folder: Path, events: int, images: dict = HIRES) -> Path:
    """A dataset of `smaller_study`, in one shard; returns its manifest."""
    study = smaller_study(events, images)
    simulate_shard(study, 0, folder / "raw" / "shard-0000.h5")
    prepare_shard(study, folder / "raw" / "shard-0000.h5", folder / "dataset")
    write_manifest(study, folder / "dataset")
    return folder / "dataset" / "manifest.json"


def smaller_study(events: int, images: dict = HIRES) -> Study:
    """The study `lartpc` with fewer events and these images alone."""
    path = Path(__file__).parents[1] / "config" / "studies" / "lartpc.yaml"
    tree = apply_scale(parse_yaml(path.read_text(encoding="utf-8")), "paper", path)
    tree["simulation"]["shards"] = 1
    tree["simulation"]["source"]["events"] = events
    tree["dataset"]["recipe"]["images"] = images
    tree.pop("grids")
    tree["claims"] = []
    tree["models"] = {"lenet": {**tree["models"]["lenet"], "inputs": ["hires"]}}
    return validate_section(Study, tree, path)


def hires_bytes(folder: Path) -> int:
    """Compressed bytes of the images in the training shard."""
    with h5py.File(folder / "dataset" / "train-0000.h5") as file:
        return sum(part.id.get_storage_size() for part in file["inputs/hires"].values())


def all_images(reader: StreamingReader, count: int) -> tuple[np.ndarray, tuple[int, ...]]:
    buffer, found = ImageBuffer(), []
    for batch in reader.epoch(1, 0):
        found.append(images(batch["inputs"]["hires"], buffer).numpy().copy())
    dense = np.concatenate(found)
    assert len(dense) == count
    return dense, dense.shape[1:]


def drawing(reader: StreamingReader):
    """A call that reads one more epoch and makes its images dense."""
    buffer, epochs = ImageBuffer(), iter(range(1, 1_000_000))

    def read() -> None:
        for batch in reader.epoch(1, next(epochs)):
            images(batch["inputs"]["hires"], buffer)

    return read


def write_dense(path: Path, dense: np.ndarray, filters: dict) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("image", data=dense, chunks=(1, *dense.shape[1:]), **filters)


def read_dense(path: Path) -> None:
    with h5py.File(path) as file:
        data = file["image"]
        out = np.empty((BATCH, *data.shape[1:]), np.float32)
        for start in range(0, len(data), BATCH):
            stop = min(start + BATCH, len(data))
            data.read_direct(out[: stop - start], np.s_[start:stop])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=600)
    parser.add_argument("--folder", type=Path)
    show(main(**vars(parser.parse_args())), "images")
