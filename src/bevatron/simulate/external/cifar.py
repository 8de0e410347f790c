"""CIFAR-10's binary batches: a label and 3 × 32 × 32 bytes a record."""

from pathlib import Path

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.external.external_files import open_plain_or_gzip

SHAPE = (3, 32, 32)  # red, green, blue; rows from the top
CLASSES = 10
RECORD = 1 + 3 * 32 * 32


def read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 3, 32, 32) uint8 and labels (n,) int64 of one file.

    Format: A. Krizhevsky, Learning multiple layers of features from tiny images (2009), binary version. Raises
    UserError, naming the file, for a length that is no multiple of a record, and a label out of range.
    """
    with open_plain_or_gzip(path) as file:
        content = file.read()
    if len(content) == 0 or len(content) % RECORD:
        what = f"is no CIFAR-10 batch: its {len(content):,} bytes are no multiple of a record's {RECORD:,}"
        raise UserError(path, what, "give the binary version's files, data_batch_1.bin and so on")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].astype(np.int64)
    if (labels >= CLASSES).any():
        row = int(np.flatnonzero(labels >= CLASSES)[0])
        what = f"image {row} has the label {labels[row]}; allowed: 0 to {CLASSES - 1}"
        raise UserError(path, what, "CIFAR-100 and other files are not read; fetch CIFAR-10's binary version")
    return records[:, 1:].reshape(-1, *SHAPE), labels
