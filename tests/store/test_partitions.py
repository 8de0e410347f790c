"""Each of several workers reads its own part of a split, and the batches are the same for every number of workers."""

import logging
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from bevatron.errors import UserError
from bevatron.store.readers.partitions import MIN_ROWS, Part, Partitions, partition_count
from bevatron.store.readers.reader import open_split
from bevatron.store.readers.resident import ResidentReader
from bevatron.store.readers.sampling import Sampling
from bevatron.store.readers.split import ReadingOrder, describe
from bevatron.store.readers.streaming import StreamingReader
from bevatron.store.readers.windows import WindowPlan
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.manifest import write_manifest
from bevatron.store.shards.shard import Shard, read_shard, write_shard

COUNT = 16
GROUPS = ["jets", "tracks"]


@pytest.fixture(autouse=True)
def one_thread():
    """As in a fit; with more, small batches wait for threads that a busy machine does not run."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def split(larger_dataset):
    """4,999 samples in shards of odd sizes, one of them without any: 16 partitions of 312 or 313."""
    return describe(larger_dataset.manifest, "train", GROUPS)


def resident(split, batch_size, part, partitions=COUNT):
    return ResidentReader(split, batch_size, "cpu", part, partitions)


def streaming(split, batch_size, part, partitions=COUNT):
    """Two windows and a half, of four blocks from as many regions."""
    return StreamingReader(split, batch_size, 512, 4, 1e9, part, partitions)


READERS = pytest.mark.parametrize("make", [resident, streaming])


def ids_by_batch(make, split, batch_size, workers, start=0, epoch=1, **options):
    """Sample ids of each global batch, put together from what all workers deliver of it; each knows its places."""
    parts = []
    for number in range(workers):
        with make(split, batch_size, Part(number, workers), **options) as reader:
            parts.append([batch["id"].numpy().copy() for batch in reader.epoch(3, epoch, start=start)])
    batches = []
    for number, delivered in enumerate(zip(*parts, strict=True)):
        first = start + number * batch_size
        batch = np.full(min(batch_size, len(split) - first), -1)
        for worker, ids in enumerate(delivered):
            batch[(first + np.arange(len(batch))) % workers == worker] = ids
        batches.append(batch)
    return batches


def assert_same(batches, others):
    assert len(batches) == len(others)
    assert all(np.array_equal(one, other) for one, other in zip(batches, others, strict=True))


@pytest.mark.parametrize("count", [1, 2, 6, 64, 96])
@pytest.mark.parametrize("n", [0, 1, 63, 64, 1000])
def test_partitions_are_equal_neighbouring_ranges_of_the_split(n, count):
    partitions = Partitions(n, count)
    sizes = [partitions.size(p) for p in range(count)]
    assert sum(sizes) == n
    assert sizes == [len(range(p, n, count)) for p in range(count)]
    bounds = sorted((start, start + size) for start, size in zip(partitions.starts, sizes, strict=True))
    assert all(stop == start for (_, stop), (start, _) in pairwise(bounds))
    workers = 1
    while count % workers == 0:  # of 1, 2, 4, 8 ... workers each has one range
        assert all(len(partitions.ranges(Part(w, workers).partitions(count))) <= 1 for w in range(workers))
        workers *= 2


@READERS
@pytest.mark.parametrize("batch_size", [1000, 64, 37, 6])
def test_batches_are_the_same_for_every_number_of_workers(make, batch_size, split):
    """Batches that the workers do not divide, shorter than the partitions and than the workers are, and a short end."""
    one = ids_by_batch(make, split, batch_size, 1)
    assert np.array_equal(np.sort(np.concatenate(one)), np.arange(4999))
    for workers in (2, 4, 8, 16, 3, 6) if batch_size == 37 else (8, 3):
        assert_same(ids_by_batch(make, split, batch_size, workers), one)


@READERS
def test_an_epoch_goes_on_with_another_number_of_workers(make, split):
    """At random places, several times an epoch: no sample is lost or comes twice, and the batches stay the same."""
    rng = np.random.default_rng(8)
    for epoch in range(4):
        batch_size = int(rng.integers(100, 700))
        expected = ids_by_batch(make, split, batch_size, 1, epoch=epoch)
        found, cuts = [], sorted(rng.integers(0, len(expected), 2).tolist())
        for first, last in pairwise([0, *cuts, len(expected)]):
            workers = int(rng.choice([1, 2, 4, 8, 16, 3, 12]))
            found += ids_by_batch(make, split, batch_size, workers, first * batch_size, epoch)[: last - first]
        assert_same(found, expected)


@READERS
@pytest.mark.parametrize("workers", [1, 4, 3])
def test_unshuffled_batches_are_the_same_for_both_readers_and_every_number_of_workers(make, workers, split):
    with resident(split, 100, Part()) as reader:
        expected = [batch["id"].numpy().copy() for batch in reader.epoch(0, 0, shuffle=False)]
    for number in range(workers):
        with make(split, 100, Part(number, workers)) as reader:
            for k, batch in enumerate(reader.epoch(7, 7, shuffle=False)):
                mine = (100 * k + np.arange(len(expected[k]))) % workers == number
                assert np.array_equal(batch["id"].numpy(), expected[k][mine])


class Counted:
    """Bytes that are read of shards' datasets, and each row of "id" that is."""

    def __init__(self, monkeypatch):
        self.bytes, self.rows = 0, []
        original = Shard.read_into

        def read_into(shard, name, start, stop, out):
            self.bytes += out.nbytes
            if name == "id":
                self.rows += [(shard.path.name, row) for row in range(start, stop)]
            original(shard, name, start, stop, out)

        monkeypatch.setattr(Shard, "read_into", read_into)
        for method in ("read", "group"):
            monkeypatch.setattr(Shard, method, lambda *_: pytest.fail("a reader read a whole dataset"))


def bytes_read(make, split, part, monkeypatch):
    """What a reader reads for three epochs, the windows of the fourth that it reads ahead left out; and the rows."""
    with monkeypatch.context() as patch:
        counted = Counted(patch)
        with make(split, 500, part) as reader:
            if make is streaming:  # nothing is read ahead of an epoch whose first window is asked for alone
                patch.setattr(reader._plan, "windows", without_next_epoch(reader._plan.windows))
            for epoch in range(3):
                for _ in reader.epoch(3, epoch):
                    pass
    return counted.bytes, counted.rows


def without_next_epoch(windows):
    def only_first_epochs(seed, epoch, shuffle, first=0):
        if epoch == 3:
            return iter([next(windows(seed, epoch, shuffle))._replace(blocks=[])])
        return windows(seed, epoch, shuffle, first)

    return only_first_epochs


@READERS
@pytest.mark.parametrize("workers", [2, 4, 8])
def test_each_worker_reads_its_part_of_the_bytes(make, workers, split, monkeypatch):
    whole, rows = bytes_read(make, split, Part(), monkeypatch)
    parts = [bytes_read(make, split, Part(w, workers), monkeypatch) for w in range(workers)]
    assert max(count for count, _ in parts) <= 1.1 / workers * whole
    assert sorted(row for _, some in parts for row in some) == sorted(rows)
    assert len(set(rows)) == 4999
    assert len(rows) == 4999 * (3 if make is streaming else 1)


@READERS
def test_a_number_of_workers_that_divides_no_partition_reads_what_it_can(make, split, monkeypatch):
    whole, _ = bytes_read(make, split, Part(), monkeypatch)
    for workers, fraction in ((3, 1), (6, 1 / 2), (12, 1 / 4), (32, 1 / 16)):
        assert bytes_read(make, split, Part(1, workers), monkeypatch)[0] == pytest.approx(fraction * whole, rel=0.1)


@pytest.mark.parametrize("blocks", [8, 16])
@pytest.mark.parametrize("shards", [[100_000] * 8, [9_311] * 80, [2_000_000]], ids=len)
def test_streaming_workers_share_few_chunks(shards, blocks):
    """Each of up to as many workers as there are blocks in a window touches 1.1/W of the chunks, in whatever shards."""
    chunk, order = 512, ReadingOrder(16_384, blocks, 64)

    def touched(part):
        plan, count = WindowPlan(shards, order, part), 0
        for window in plan.windows(1, 0, True):
            last = None
            for block in window.blocks:
                chunks = [(block.shard, k) for k in range(block.start // chunk, (block.stop - 1) // chunk + 1)]
                count += len(chunks) - (chunks[0] == last)  # HDF5 still has the chunk that it read last
                last = chunks[-1]
        return count

    all_chunks = sum(-(-rows // chunk) for rows in shards)
    assert touched(Part()) <= 1.1 * all_chunks
    for workers in (2, 4, 8):
        assert max(touched(Part(w, workers)) for w in range(workers)) <= 1.1 * all_chunks / workers


def test_streaming_workers_open_their_own_shards():
    """So that each checks, opens and caches a part of the files: of eight workers over 80 shards eleven at most."""
    for worker in range(8):
        plan = WindowPlan([9_311] * 80, ReadingOrder(16_384, 8, 64), Part(worker, 8))
        seen = {block.shard for epoch in range(5) for w in plan.windows(1, epoch, True) for block in w.blocks}
        assert len(seen) <= 11


@pytest.mark.parametrize("workers", [2, 8])
def test_a_resident_split_keeps_the_workers_part_alone(workers, split):
    with resident(split, 100, Part()) as reader:
        rows, elements = reader._table.rows, reader._table.columns["inputs/tracks"].capacity
    kept = []
    for worker in range(workers):
        with resident(split, 100, Part(worker, workers)) as reader:
            tracks = reader._table.columns["inputs/tracks"]
            assert tracks.capacity == tracks.filled == len(tracks.arrays[0])  # no memory in reserve
            kept.append((reader._table.rows, tracks.capacity))
    assert [sum(numbers) for numbers in zip(*kept, strict=True)] == [rows, elements]
    assert max(few for few, _ in kept) <= rows / workers + COUNT / workers


@READERS
@pytest.mark.parametrize("n", [3, 7, 100, 700])
def test_small_splits(make, n, new_dataset):
    """Fewer samples than partitions, or than workers: every worker reads all, and the batches are the same."""
    small = describe(new_dataset([n]).manifest, "train", ["jets"])
    for batch_size in (3, 64):
        one = ids_by_batch(make, small, batch_size, 1, partitions=64)
        assert np.array_equal(np.sort(np.concatenate(one)), np.arange(n))
        assert_same(ids_by_batch(make, small, batch_size, 8, partitions=64), one)
    if n > 7:
        epochs = [np.concatenate(ids_by_batch(make, small, 10, 1, epoch=epoch, partitions=64)) for epoch in range(2)]
        assert (epochs[0] == epochs[1]).mean() < 0.1


@pytest.mark.parametrize(("n", "count"), [(0, 1), (255, 1), (700, 2), (1777, 4), (16_383, 32), (16_384, 64)])
def test_partitions_have_enough_samples_to_be_shuffled(n, count):
    assert partition_count(n, 64) == count
    assert count == 1 or n // count >= MIN_ROWS


def test_the_full_batch_is_each_workers_part(split):
    parts = []
    for worker in range(4):
        with resident(split, "full", Part(worker, 4)) as reader:
            (batch,) = reader.epoch(0, 0)
            parts.append(batch["id"].numpy().copy())
            assert reader.rows_of_batch(0) == 4999
            assert len(batch["inputs"]["tracks"].lengths) == len(parts[-1])
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(4999))


def test_what_needs_the_whole_split_is_refused_by_a_part_of_it(split):
    for sampling in (Sampling("flavour", balanced=True), Sampling(samples=100)):
        with resident(split, 100, Part(0, 2)) as reader, pytest.raises((ValueError, UserError), match="whole split"):
            next(reader.epoch(0, 0, sampling=sampling))


@pytest.mark.parametrize(("workers", "words"), [(1, None), (4, "1/4 of it"), (3, "all of it"), (6, "1/2 of it")])
def test_one_line_tells_how_much_each_worker_reads(workers, words, split, caplog):
    caplog.set_level(logging.INFO, "bevatron")
    path = split.folder / "manifest.json"
    open_split(path, "train", batch_size=9, groups=GROUPS, part=Part(0, workers), partitions=COUNT).close()
    (line,) = [record.message for record in caplog.records]
    assert "\n" not in line
    assert (f"each of {workers} workers reads {words}" in line) == (workers > 1)
    assert ("where their number divides data_loading.partitions, 16" in line) == (workers in (3, 6))


@pytest.fixture(scope="module")
def weighted_split(larger_dataset, tmp_path_factory):
    """The same samples, of weights that follow from their ids."""
    folder = tmp_path_factory.mktemp("weighted")
    for path in larger_dataset.folder.glob("*.h5"):
        samples = read_shard(path)
        weighted = replace(samples, weight=(samples.id % 7 + 0.5).astype(np.float32))
        write_shard(folder / path.name, weighted, samples.attributes)
    write_manifest(folder / "manifest.json", build_manifest(folder, larger_dataset.study))
    return describe(folder / "manifest.json", "train", GROUPS)


@READERS
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("partitions", [1, COUNT])
def test_each_sample_comes_with_its_weight(make, workers, partitions, weighted_split):
    seen = 0
    for number in range(workers):
        with make(weighted_split, 37, Part(number, workers), partitions) as reader:
            for batch in reader.epoch(3, 1, start=74):
                assert batch["weight"].dtype == torch.float32
                np.testing.assert_array_equal(batch["weight"].numpy(), batch["id"].numpy() % 7 + 0.5)
                seen += len(batch["id"])
    assert seen == len(weighted_split) - 74
