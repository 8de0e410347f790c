"""IDX files, in which MNIST and Fashion-MNIST come: a magic number, the lengths, and bytes."""

import math
from pathlib import Path

import numpy as np

from bevatron.errors import UserError
from bevatron.simulate.external.external_files import ByteStream, open_plain_or_gzip

IMAGES, LABELS = 0x00000803, 0x00000801  # unsigned bytes of three axes, and of one
EXCESS = 1 << 16  # bytes beyond the expected end that are counted
GZIP_RATIO = 1032  # deflate cannot pack more bytes into one


def read_idx(path: Path, magic: int) -> np.ndarray:
    """The array in a file, plain or gzip: images (n, height, width) or labels (n,), uint8.

    Format: Y. LeCun, C. Cortes and C. Burges, The MNIST database; big-endian magic number (two zeros, the type, the
    number of axes), the length of each axis, then the bytes in C order. Raises UserError, naming the file, for
    another magic number, and for fewer or more bytes than the lengths ask for, before more than these are read.
    """
    with open_plain_or_gzip(path) as file:
        shape, is_whole = _read_head(file, path, magic)
        expected, size = math.prod(shape), path.stat().st_size
        content = file.read(expected + EXCESS) if expected <= GZIP_RATIO * size else b""
    if not is_whole or len(content) != expected:
        actual = f"{len(content):,}" + (" or more" if len(content) == expected + EXCESS else "")
        if expected > GZIP_RATIO * size:
            actual = f"a file of {size:,} bytes cannot hold them"
        what = f"says {' × '.join(map(str, shape))} = {expected:,} bytes, and holds {actual}"
        raise UserError(path, what, "fetch it again")
    if expected == 0:
        raise UserError(path, f"says {' × '.join(map(str, shape))}: it holds nothing", "fetch it again")
    return np.frombuffer(content, np.uint8).reshape(shape)


def read_lengths(path: Path, magic: int) -> tuple[int, ...]:
    """The length of each axis, as the head of the file says. Raises UserError for another magic number."""
    with open_plain_or_gzip(path) as file:
        return _read_head(file, path, magic)[0]


def _read_head(file: ByteStream, path: Path, magic: int) -> tuple[tuple[int, ...], bool]:
    """The length of each axis, and whether the head is whole."""
    axes = magic & 0xFF
    head = file.read(4 + 4 * axes)
    if len(head) < 4 or int.from_bytes(head[:4], "big") != magic:
        kind = {IMAGES: "images", LABELS: "labels"}[magic]
        what = f"is no IDX file of {kind}: it begins with 0x{head[:4].hex() or '-'}, not 0x{magic:08x}"
        raise UserError(path, what, "give the file as the data set's authors publish it")
    shape = tuple(int.from_bytes(head[4 + 4 * k : 8 + 4 * k], "big") for k in range(axes))
    return shape, len(head) == 4 + 4 * axes
