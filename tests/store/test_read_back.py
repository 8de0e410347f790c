"""What is written is read back before it is published: one bit that differs, anywhere, is refused."""

from pathlib import Path

import numpy as np
import pytest

import bevatron.store.shards.shard as shard_module
from bevatron.errors import UserError
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples
from bevatron.store.shards.shard import chunk_rows, read_shard, write_shard

CHUNK = chunk_rows(4 * 3)


def samples_of(n: int, seed: int = 0) -> Samples:
    """Rows with NaN and minus zero, in an array that is not contiguous; lists of which some are empty."""
    random = np.random.default_rng(seed)
    values = np.asfortranarray(random.normal(size=(n, 3)).astype(np.float32))
    lengths = random.integers(0, 3, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    elements = random.normal(size=(int(offsets[-1]), 2)).astype(np.float32)
    return Samples(
        {"x": Group(Dense(values), ("a", "b", "c"), ("1", "1", "1")),
         "list": Group(Ragged(elements, offsets), ("d", "e"), ("1", "1"))},
        {"y": random.integers(0, 2, n)},
        np.arange(n, dtype=np.uint64),
        observers={"z": np.where(random.random(n) < 0.5, np.nan, -0.0)},
    )  # fmt: skip


@pytest.mark.parametrize("n", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
@pytest.mark.parametrize("compression", ["lz4", "zstd", "none"])
def test_what_is_whole_is_published(tmp_path, n, compression):
    written = samples_of(n)
    write_shard(tmp_path / "shard.h5", written, {"study": "mine"}, compression)
    found = read_shard(tmp_path / "shard.h5")
    np.testing.assert_array_equal(found.inputs["x"].column.values, written.inputs["x"].column.values)
    np.testing.assert_array_equal(found.observers["z"], written.observers["z"])


@pytest.mark.parametrize("place", ["first", "chunk's last", "chunk's first", "last"])
@pytest.mark.parametrize("name", ["inputs/x", "inputs/list/values", "inputs/list/offsets", "targets/y", "observers/z"])
def test_one_bit_that_differs_is_refused_and_nothing_is_published(tmp_path, monkeypatch, name, place):
    write = shard_module._write

    def writes_another_bit(file, which, values, compression):
        if which == name:
            values = np.ascontiguousarray(values).copy()
            bits = values.reshape(-1).view(np.uint8)
            row = values[:1].nbytes
            size = chunk_rows(row) * row
            bits[{"first": 0, "chunk's last": min(size, len(bits)) - 1, "chunk's first": min(size, len(bits) - 1),
                  "last": len(bits) - 1}[place]] ^= 1  # fmt: skip
        write(file, which, values, compression)

    monkeypatch.setattr(shard_module, "_write", writes_another_bit)
    with pytest.raises(UserError, match=f"'/{name}' reads back other than it was written"):
        write_shard(tmp_path / "shard.h5", samples_of(3 * CHUNK + 7), {})
    assert list(Path(tmp_path).iterdir()) == []


def test_a_zero_of_the_other_sign_and_a_nan_of_other_bits_differ(tmp_path, monkeypatch):
    write = shard_module._write
    for other in (np.float64(0.0), np.array(0x7FF8000000000001, np.uint64).view(np.float64)):

        def writes_equal_numbers(file, which, values, compression, other=other):
            if which == "observers/z":
                values = np.where(np.isnan(values) == np.isnan(other), other, values)
            write(file, which, values, compression)

        monkeypatch.setattr(shard_module, "_write", writes_equal_numbers)
        with pytest.raises(UserError, match="reads back other"):
            write_shard(tmp_path / "shard.h5", samples_of(50), {})


def test_rows_that_are_missing_and_another_type_are_refused(tmp_path, monkeypatch):
    write = shard_module._write
    for change in (lambda values: values[:-1], lambda values: values.astype(np.int32)):

        def writes_otherwise(file, which, values, compression, change=change):
            write(file, which, change(values) if which == "targets/y" else values, compression)

        monkeypatch.setattr(shard_module, "_write", writes_otherwise)
        with pytest.raises(UserError, match="'/targets/y'"):
            write_shard(tmp_path / "shard.h5", samples_of(20), {})
