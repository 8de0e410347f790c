"""Contiguous rows of a split as rows of its shards."""

from collections.abc import Sequence
from typing import NamedTuple


class Block(NamedTuple):
    """Contiguous rows of one shard."""

    shard: int
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many rows."""
        return self.stop - self.start


def blocks_between(shard_rows: Sequence[int], start: int, stop: int, grid: int | None = None) -> list[Block]:
    """The rows start to stop of a split whose shards have `shard_rows`, none of them empty.

    With `grid` no block goes beyond a multiple of that many rows of its shard.
    """
    blocks, before = [], 0
    for shard, rows in enumerate(shard_rows):
        at, end = max(start - before, 0), min(stop - before, rows)
        while at < end:
            limit = end if grid is None else min(end, (at // grid + 1) * grid)
            blocks.append(Block(shard, at, limit))
            at = limit
        before += rows
    return blocks
