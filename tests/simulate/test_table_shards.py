"""Shards of the source `table`: ranges of rows over many files, found without reading them, in bounded memory."""

import gzip
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import uproot
import uproot.source.file
from uproot.models.TBasket import Model_TBasket

from bevatron.simulate.mapping.to_samples import Mapper
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources import table
from bevatron.simulate.sources.table import TableSource
from bevatron.tables import root_table
from bevatron.tables.open_table import TableOptions, open_table

SIZES = (500, 1, 317)  # rows of the files
PER_SHARD = 128  # 818 rows in 7 shards, of which none ends with a file but the last
LISTS = {
    "part": {"layout": "list", "features": ["part_pt"], "select": "part_pt > 0.1", "order_by": "-part_pt"},
}
SEED = ShardSeed(own=1, study=1, shard=0)


def _columns(n: int, seed: int) -> dict:
    draw = np.random.default_rng(seed)
    lengths = draw.integers(0, 5, n)
    part = ak.unflatten(draw.exponential(size=lengths.sum()).astype("f4"), lengths)
    return {"pt": draw.uniform(1, 9, n).astype("f4"), "number": np.arange(n), "part_pt": part}


def _flat(columns: dict) -> dict:
    padded = ak.to_numpy(ak.fill_none(ak.pad_none(columns["part_pt"], 4, clip=True), -1)).astype("f4")
    return {**columns, "part_pt": padded}


def _write_tree(path: Path, columns: dict) -> None:
    with uproot.recreate(path) as file:
        tree = file.mktree("t", {n: v.type.content if n == "part_pt" else v.dtype for n, v in columns.items()})
        for start in range(0, len(columns["pt"]), 90):
            tree.extend({name: values[start : start + 90] for name, values in columns.items()})


def _write_ntuple(path: Path, columns: dict) -> None:
    with uproot.recreate(path) as file:
        file.mkrntuple("t", columns)


def _write_parquet(path: Path, columns: dict) -> None:
    pq.write_table(ak.to_arrow_table(ak.Array(columns), extensionarray=False), path, row_group_size=70)


def _write_hdf5(path: Path, columns: dict) -> None:
    with h5py.File(path, "w") as file:
        for name, values in _flat(columns).items():
            file.create_dataset(name, data=values, chunks=(min(64, len(values)), *values.shape[1:]), compression="gzip")


def _write_compound(path: Path, columns: dict) -> None:
    flat = _flat(columns)
    rows = np.zeros(len(flat["pt"]), [("pt", "f4"), ("number", "i8"), ("part_pt", "f4", (4,))])
    for name, values in flat.items():
        rows[name] = values
    with h5py.File(path, "w") as file:
        file["rows"] = rows


def _frame(columns: dict) -> pd.DataFrame:
    flat = _flat(columns)
    numbered = {f"part_pt_{k}": flat["part_pt"][:, k] for k in range(4)}
    return pd.DataFrame({"pt": flat["pt"], "number": flat["number"], **numbered})


FORMATS = {
    "tree.root": _write_tree, "ntuple.root": _write_ntuple, "parquet": _write_parquet, "h5": _write_hdf5,
    "compound.h5": _write_compound,
    "pandas.h5": lambda path, columns: _frame(columns).to_hdf(path, key="t", format="table"),
    "npz": lambda path, columns: np.savez_compressed(path, **_flat(columns)),
    "stored.npz": lambda path, columns: np.savez(path, **_flat(columns)),
    "csv": lambda path, columns: _frame(columns).to_csv(path, index=False),
    "csv.gz": lambda path, columns: path.write_bytes(gzip.compress(_frame(columns).to_csv(index=False).encode())),
}  # fmt: skip
RAGGED = ("tree.root", "ntuple.root", "parquet")


def options(kind: str, files: list[Path], **more):
    """Options of a study over these files."""
    groups = {"part": LISTS["part"] | ({} if kind in RAGGED else {"padding": -1})}
    settings = {"kind": "table", "files": [str(file) for file in files], "groups": groups, "tree": ""}
    if kind == "compound.h5":
        settings["tree"] = "rows"
    settings |= {"targets": {"pt": {"value": "pt"}}, "observers": ["number"], "selection": "pt > 2"}
    return TableSource.Options.model_validate({**settings, **more})


def simulate(settings, shard: int = 0):
    return TableSource().simulate(settings, shard, SEED)[0]


@pytest.fixture(params=FORMATS)
def written(request, tmp_path):
    paths = [tmp_path / f"{number}.{request.param}" for number in range(len(SIZES))]
    for number, (path, n) in enumerate(zip(paths, SIZES, strict=True)):
        FORMATS[request.param](path, _columns(n, number))
    return request.param, paths


def test_shards_over_files_of_other_sizes_join_to_the_whole(written):
    kind, paths = written
    by_size, by_rows = options(kind, paths, shard_mb=0.002), options(kind, paths, per_shard=PER_SHARD)
    assert by_rows.n_shards() == -(-sum(SIZES) // PER_SHARD)
    files = [simulate(by_size, shard) for shard in range(by_size.n_shards())]
    shards = [simulate(by_rows, shard) for shard in range(by_rows.n_shards())]
    for parts in (files, shards):
        rows = [np.flatnonzero(_columns(n, seed)["pt"] > 2) for seed, n in enumerate(SIZES)]
        np.testing.assert_array_equal(np.concatenate([p.observers["number"] for p in parts]), np.concatenate(rows))
        found = np.concatenate([p.inputs["part"].column.values[:, 0] for p in parts])
        lists = ak.concatenate([_columns(n, seed)["part_pt"][kept] for (seed, n), kept in zip(
            enumerate(SIZES), rows, strict=True)])  # fmt: skip
        expected = ak.sort(lists[lists > 0.1], axis=1, ascending=False)
        np.testing.assert_allclose(found, ak.to_numpy(ak.flatten(expected)), rtol=1e-6)
        lengths = np.concatenate([p.inputs["part"].column.lengths for p in parts])
        np.testing.assert_array_equal(lengths, ak.to_numpy(ak.num(expected)))
    assert [len(p.attributes["files"]) for p in shards] == [1, 1, 1, 3, 1, 1, 1]  # those that the shard read
    ids = np.concatenate([p.id for p in shards])
    np.testing.assert_array_equal(ids, np.concatenate([p.id for p in files]))


def _write_large_tree(path: Path, columns: dict) -> None:
    with uproot.recreate(path) as file:
        file["t"] = columns


def _write_large_parquet(path: Path, columns: dict) -> None:
    pq.write_table(ak.to_arrow_table(ak.Array(columns), extensionarray=False), path)


def _write_large_hdf5(path: Path, columns: dict) -> None:
    with h5py.File(path, "w") as file:
        for name, values in _flat(columns).items():
            file.create_dataset(name, data=values, chunks=(10_000, *values.shape[1:]), compression="gzip")


LARGE = {"tree.root": _write_large_tree, "parquet": _write_large_parquet, "h5": _write_large_hdf5}  # of usual parts


def _bytes_of_this_process() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="counts bytes by Linux's /proc")
@pytest.mark.parametrize("kind", [kind for kind in FORMATS if "csv" not in kind])
def test_rows_are_counted_from_metadata(kind, tmp_path, monkeypatch):
    """Of a file of megabytes a small part is read; CSV has no metadata, and is read."""
    path, n = tmp_path / f"large.{kind}", 100_000
    LARGE.get(kind, FORMATS[kind])(path, _columns(n, 0))
    mapped = []

    class Counting(uproot.source.file.MemmapSource):  # a mapped file is read without system calls
        def chunk(self, start, stop):
            mapped.append(stop - start)
            return super().chunk(start, stop)

    monkeypatch.setattr(uproot.source.file, "MemmapSource", Counting)
    with open_table(path, TableOptions()) as found:
        assert found.n_rows == n
    before = _bytes_of_this_process()
    mapped.clear()
    with open_table(path, TableOptions()) as found:
        assert found.n_rows == n
    read = _bytes_of_this_process() - before + sum(mapped)
    assert read < 0.1 * path.stat().st_size


def test_no_basket_is_decompressed_twice(tmp_path, monkeypatch):
    path = tmp_path / "tree.root"
    _write_tree(path, _columns(500, 0))
    monkeypatch.setattr(table, "STEP_ROWS", 40)  # less than the 90 rows of a basket
    baskets = []
    read = Model_TBasket.read_members

    def count(self, *arguments):
        baskets.append(self)
        return read(self, *arguments)

    monkeypatch.setattr(Model_TBasket, "read_members", count)
    samples = simulate(options("tree.root", [path], selection=None))
    assert len(samples) == 500
    assert len(baskets) <= 6 * 4  # six of each branch, of which a list has one with its lengths


def test_memory_is_bounded_by_the_steps_whatever_the_baskets(tmp_path, monkeypatch):
    path = tmp_path / "tree.root"
    _write_tree(path, _columns(500, 0))
    whole = simulate(options("tree.root", [path]))
    monkeypatch.setattr(table, "STEP_BYTES", 4000)
    monkeypatch.setattr(root_table, "BLOCK_BYTES", 4000)
    steps, to_samples = [], Mapper.to_samples

    def measure(self, columns, n, rows):
        steps.append(n)
        return to_samples(self, columns, n, rows)

    monkeypatch.setattr(Mapper, "to_samples", measure)
    parts = simulate(options("tree.root", [path]))
    assert sum(steps) == 500
    assert max(steps) <= 4000 // (4 + 8 + 4 * 50)
    np.testing.assert_array_equal(parts.id, whole.id)
    np.testing.assert_array_equal(parts.inputs["part"].column.values, whole.inputs["part"].column.values)


def test_blocks_are_whole_baskets_or_one_basket():
    draw = np.random.default_rng(0)
    for _ in range(500):
        n, rows = int(draw.integers(1, 60)), int(draw.integers(1, 20))
        ends = np.unique(draw.integers(0, n + 1, int(draw.integers(0, 9))))
        start, stop = sorted(draw.integers(0, n + 1, 2).tolist())
        blocks = list(root_table._blocks(ends, start, stop, rows))
        assert [entry for first, last in blocks for entry in range(first, last)] == list(range(start, stop))
        for first, last in blocks:
            assert last - first <= rows or not any(first < end < last for end in ends)


def test_a_derived_constant_is_a_column(tmp_path):
    path = tmp_path / "tree.root"
    _write_tree(path, _columns(90, 0))
    groups = {"jet": {"features": ["one", "sum"]}}
    settings = options("tree.root", [path], groups=groups, derived={"one": "1", "sum": "one + pt"})
    samples = simulate(settings)
    pt = _columns(90, 0)["pt"]
    found = samples.inputs["jet"].column.values
    np.testing.assert_allclose(found, np.column_stack([np.ones(90), 1 + pt])[pt > 2], rtol=1e-6)
