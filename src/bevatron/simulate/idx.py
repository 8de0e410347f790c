"""IDX files, in which MNIST and Fashion-MNIST come: a magic number, the lengths, and bytes."""

from pathlib import Path

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.foreign_files import opened

PICTURES, LABELS = 0x00000803, 0x00000801  # unsigned bytes of three axes, and of one


def read_idx(path: Path, magic: int) -> np.ndarray:
    """The array in a file, plain or gzip: pictures (n, height, width) or labels (n,), uint8.

    Format: Y. LeCun, C. Cortes and C. Burges, The MNIST database; big-endian magic number (two zeros, the type, the
    number of axes), the length of each axis, then the bytes in C order. Raises UserError, naming the file, for
    another magic number, and for fewer or more bytes than the lengths ask for.
    """
    with opened(path) as file:
        content = file.read()
    found = int.from_bytes(content[:4], "big")
    if len(content) < 4 or found != magic:
        kind = {PICTURES: "pictures", LABELS: "labels"}[magic]
        what = f"is no IDX file of {kind}: it begins with 0x{content[:4].hex() or '-'}, not 0x{magic:08x}"
        raise UserError(path, what, "give the file as the data set's authors publish it")
    axes = magic & 0xFF
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(content[4 + 4 * k : 8 + 4 * k], "big") for k in range(axes))
    expected = int(np.prod(shape))
    if len(content) - start != expected:
        what = f"says {' × '.join(map(str, shape))} = {expected:,} bytes, and holds {max(0, len(content) - start):,}"
        raise UserError(path, what, "fetch it again")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
