"""Files divided into shards by their sizes alone, so that nobody opens a file to plan the work.

A large file is cut into equal parts, small ones that follow one another are read together.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """The part number `part` of `of` equal ones of the file number `file`."""

    file: int
    part: int = 0
    of: int = 1

    def rows(self, n_rows: int) -> tuple[int, int]:
        """The first row and the one behind the last, of a file with so many."""
        return n_rows * self.part // self.of, n_rows * (self.part + 1) // self.of


def divide(sizes: list[int], can_cut: list[bool], shard_bytes: float) -> list[tuple[Piece, ...]]:
    """The pieces that each shard reads, in the files' order.

    sizes: bytes of each file; can_cut: whether a part of it can be read without the rest; shard_bytes: about the size
    of a shard. A shard holds a part of one file, or whole files that are together no larger than `shard_bytes`; at
    least one.
    """
    shards: list[tuple[Piece, ...]] = []
    together: list[Piece] = []
    filled = 0
    for number, (size, cut) in enumerate(zip(sizes, can_cut, strict=True)):
        parts = max(1, round(size / shard_bytes)) if cut else 1
        if together and (parts > 1 or filled + size > shard_bytes):
            shards.append(tuple(together))
            together, filled = [], 0
        if parts > 1:
            shards += [(Piece(number, part, parts),) for part in range(parts)]
        else:
            together.append(Piece(number))
            filled += size
    return [*shards, tuple(together)] if together else shards
