"""Files divided into shards: nothing is lost or read twice, and large files are cut."""

import numpy as np
import pytest

from bevatron.simulate.external.division import Piece, divide


@pytest.mark.parametrize("seed", range(20))
def test_every_row_of_every_file_is_read_once_and_in_order(seed):
    draw = np.random.default_rng(seed)
    n = int(draw.integers(1, 40))
    sizes = (draw.pareto(0.5, n) * 1e6).astype(int).clip(0, 10**10).tolist()
    rows = draw.integers(0, 1000, n).tolist()
    cut = (draw.random(n) < 0.7).tolist()
    shards = divide(sizes, cut, 1e8)
    read = [(piece.file, row) for shard in shards for piece in shard for row in range(*piece.rows(rows[piece.file]))]
    assert read == [(file, row) for file in range(n) for row in range(rows[file])]
    for shard in shards:
        files = [piece.file for piece in shard]
        assert files
        size = sum(sizes[piece.file] / piece.of for piece in shard)
        assert size <= 1.5e8 or (len(files) == 1 and not cut[files[0]])
        assert len(files) == 1 or all(piece.of == 1 for piece in shard)


def test_small_files_are_read_together_and_large_ones_cut():
    shards = divide([10, 10, 10, 1000, 30, 90, 20], [True] * 7, 100)
    assert shards[0] == (Piece(0), Piece(1), Piece(2))
    assert shards[1:11] == [(Piece(3, part, 10),) for part in range(10)]
    assert shards[11:] == [(Piece(4),), (Piece(5),), (Piece(6),)]


def test_a_file_that_cannot_be_cut_is_one_shard():
    assert divide([1000, 5], [False, True], 100) == [(Piece(0),), (Piece(1),)]
