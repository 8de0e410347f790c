"""Sparse detector images delivered dense, against dense images in lz4-compressed HDF5, side by side in one
process.

    python benchmarks/sparse_images.py [--images 20000] [--folder FOLDER]

Images of 288 × 288 pixels with about 400 set, as float32, in batches of 64. Ours are shuffled, come from
sparse shards through the streaming reader (from disk in every epoch) or the resident one (read once), and are
scattered into a buffer that is used again. The reference reads dense shards of one image a chunk, the fastest
chunking, with h5py's `read_direct` into a reused array, in file order. Repetitions alternate and medians are
compared.
"""

import argparse
import tempfile
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import torch
from jets_dataset import make_images
from readers import row, show, side_by_side

from bevatron.store.readers.batch import ImageBuffer, SparseBatch, images
from bevatron.store.readers.reader import Reader, open_split
from bevatron.store.readers.split import describe
from bevatron.store.readers.streaming import StreamingReader

BATCH = 64
REQUIRED = 5.0


def main(count: int = 20_000, folder: Path | None = None) -> list[dict]:
    """One row for each comparison: name, ours and reference in images/s, their ratio, and the ratio
    required.
    """
    torch.set_num_threads(1)  # as in a fit (training.threads); the other core is the prefetching thread's
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(folder or temporary)
        manifest = make_images(folder, count)
        dense = folder / "dense.h5"
        write_dense(manifest, dense)
        rows = []
        streaming = StreamingReader(describe(manifest, "train"), BATCH, 16_000, 8, 4e9)
        resident = open_split(manifest, "train", batch_size=BATCH)
        for name, reader in (("streaming", streaming), ("resident", resident)):
            with reader:
                ours, reference = side_by_side(drawing(reader), lambda: read_dense(dense))
            rows.append(row(f"sparse images, {name} reader", count / ours, count / reference, REQUIRED))
        return rows


def drawing(reader: Reader):
    """A call that reads one more epoch and makes its images dense."""
    buffer, count = ImageBuffer(), iter(range(1_000_000))

    def read() -> None:
        for batch in reader.epoch(1, next(count)):
            images(batch["inputs"]["plane"], buffer)

    return read


def write_dense(manifest: Path, path: Path) -> None:
    """The same images, dense, one a chunk."""
    if path.is_file():
        return
    with (
        open_split(manifest, "train", batch_size=1000) as reader,
        h5py.File(path, "w") as file,
    ):
        plane = None
        for number, batch in enumerate(reader.epoch(0, 0, shuffle=False)):
            sparse: SparseBatch = batch["inputs"]["plane"]
            if plane is None:
                shape = (reader.n_samples, *sparse.shape)
                plane = file.create_dataset(
                    "plane", shape, np.float32, chunks=(1, *sparse.shape), fletcher32=True, **hdf5plugin.LZ4()
                )
            plane[number * 1000 : number * 1000 + len(batch["id"])] = images(sparse).numpy()


def read_dense(path: Path) -> None:
    with h5py.File(path, "r") as file:
        plane = file["plane"]
        out = np.empty((BATCH, *plane.shape[1:]), np.float32)
        for start in range(0, len(plane), BATCH):
            stop = min(start + BATCH, len(plane))
            plane.read_direct(out[: stop - start], np.s_[start:stop])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20_000, help="training samples")
    parser.add_argument("--folder", type=Path, help="where the dataset is kept and found again; absent: temporary")
    arguments = parser.parse_args()
    show(main(arguments.images, arguments.folder), "images")
