"""Both readers deliver every sample once an epoch, whole, in an order that follows from (seed, epoch) alone."""

import gc
import subprocess
import sys
import threading
import tracemalloc
from itertools import islice

import numpy as np
import pytest
import torch

from bevatron.errors import UserError
from bevatron.store.readers.batch import ImageBuffer, images, pad
from bevatron.store.readers.partitions import WHOLE, Part
from bevatron.store.readers.reader import RING, open_split
from bevatron.store.readers.resident import ResidentReader
from bevatron.store.readers.sampling import Sampling
from bevatron.store.readers.split import describe
from bevatron.store.readers.streaming import StreamingReader
from bevatron.store.shards.columns import Ragged, SparseImages

BALANCED = Sampling("flavour", balanced=True)


def resident(dataset, batch_size, groups=None, part=WHOLE, partitions=4):
    return ResidentReader(describe(dataset.manifest, "train", groups), batch_size, part=part, partitions=partitions)


def streaming(dataset, batch_size, groups=None, block_rows=100, buffer_blocks=3, part=WHOLE, partitions=4):
    split = describe(dataset.manifest, "train", groups)
    return StreamingReader(split, batch_size, block_rows, buffer_blocks, 1e9, part, partitions)


def of_part(k, n, first, batch):
    """What of a batch is of part k of n, when its first sample is number `first` of the epoch."""
    return batch[(first + np.arange(len(batch))) % n == k]


READERS = pytest.mark.parametrize("make", [resident, streaming])


def ids(batches):
    return np.concatenate([batch["id"].numpy() for batch in batches]) if batches else np.zeros(0, np.int64)


def ids_of(reader, *arguments, **options):
    return np.concatenate([b["id"].numpy().copy() for b in reader.epoch(*arguments, **options)] or [np.zeros(0, int)])


@READERS
@pytest.mark.parametrize("batch_size", [1, 7, 100, 256, 1777, 5000])
def test_every_sample_once_and_whole(make, batch_size, dataset, expected):
    with make(dataset, batch_size) as reader:
        seen, sizes = [], []
        for batch in reader.epoch(3, 1):
            found = batch["id"].numpy().copy()
            seen.append(found)
            sizes.append(len(found))
            if len(seen) < 40:
                assert_holds(batch, expected(found))
    assert np.array_equal(np.sort(np.concatenate(seen)), np.arange(1777))
    assert len(sizes) == reader.n_batches()
    assert set(sizes[:-1]) <= {batch_size}


@READERS
def test_long_lists_are_copied_alike(make, dataset, expected, monkeypatch):
    monkeypatch.setattr("bevatron.store.readers.table.LONG", 0)
    with make(dataset, 90) as reader:
        for batch in reader.epoch(3, 1):
            assert_holds(batch, expected(batch["id"].numpy()))


def assert_holds(batch, right):
    assert np.array_equal(batch["inputs"]["jets"].numpy(), right.inputs["jets"].column.values)
    for name in ("tracks", "hits"):
        column: Ragged = right.inputs[name].column
        assert batch["inputs"][name].values.numpy().dtype == column.values.dtype
        assert np.array_equal(batch["inputs"][name].values.numpy(), column.values)
        assert np.array_equal(batch["inputs"][name].lengths.numpy(), column.lengths)
    image: SparseImages = right.inputs["image"].column
    found = batch["inputs"]["image"]
    assert np.array_equal(found.index.numpy(), image.index)
    assert np.array_equal(found.value.numpy(), image.value)
    assert np.array_equal(found.offsets.numpy(), image.offsets)
    assert found.shape == image.shape
    for name, target in right.targets.items():
        assert np.array_equal(batch["targets"][name].numpy(), target)


@READERS
def test_order_follows_from_seed_and_epoch_alone(make, dataset):
    with make(dataset, 100) as first, make(dataset, 64) as second:
        for _ in second.epoch(9, 9):  # what was read before does not matter, nor does the batch size
            break
        one, other = ids_of(first, 1, 2), ids_of(second, 1, 2)
        assert np.array_equal(one, other)
        assert not np.array_equal(one, ids_of(first, 1, 3))
        assert not np.array_equal(one, ids_of(first, 2, 2))
        assert not np.array_equal(one, np.sort(one))


@READERS
def test_order_is_the_same_in_another_process(make, dataset):
    script = f"""
import sys; sys.path.insert(0, {str(__file__).rsplit("/", 1)[0]!r})
from types import SimpleNamespace; from pathlib import Path
from test_readers import {make.__name__} as make, ids_of
print(ids_of(make(SimpleNamespace(manifest=Path({str(dataset.manifest)!r})), 100), 5, 6).tolist())"""
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    with make(dataset, 100) as reader:
        assert other.stdout.strip() == str(ids_of(reader, 5, 6).tolist())


@READERS
@pytest.mark.parametrize("start", [0, 1, 99, 100, 300, 301, 1000, 1650, 1776, 1777])
def test_resumes_at_any_sample(make, start, dataset):
    with make(dataset, 50) as reader:
        whole = ids_of(reader, 4, 0)
        assert np.array_equal(ids_of(reader, 4, 0, start=start), whole[start:])


@READERS
@pytest.mark.parametrize("n", [2, 3, 8])
@pytest.mark.parametrize("batch_size", [5, 97, 1000, 5000])
def test_parts_share_out_the_batches_of_one_reader(make, batch_size, n, dataset, expected):
    """Batch by batch the parts are disjoint and together the whole batch, also where a batch is shorter than n."""
    with make(dataset, batch_size) as reader:
        whole = [batch["id"].numpy().copy() for batch in reader.epoch(4, 2, start=310)]
        n_batches = [reader.rows_of_batch(k) for k in range(reader.n_batches())]
    assert sum(n_batches) == 1777
    parts = []
    for k in range(n):
        with make(dataset, batch_size, part=Part(k, n)) as reader:
            found = []
            for number, batch in enumerate(reader.epoch(4, 2, start=310)):
                found.append(batch["id"].numpy().copy())
                if number < 20:
                    assert_holds(batch, expected(found[-1]))
            parts.append(found)
    for number, batch in enumerate(whole):
        for k in range(n):
            assert np.array_equal(parts[k][number], of_part(k, n, 310 + number * batch_size, batch))
    assert all(len(part) == len(whole) for part in parts)


@READERS
def test_without_shuffling_and_partitions_comes_the_file_order(make, dataset):
    with make(dataset, 100, partitions=1) as reader:
        assert np.array_equal(ids_of(reader, 1, 1, shuffle=False), np.arange(1777))
        assert np.array_equal(ids_of(reader, 1, 1, shuffle=False, start=333), np.arange(333, 1777))


@READERS
def test_many_epochs_in_a_row(make, dataset):
    """The streaming reader reads ahead into the next epoch: what it read must be that epoch's."""
    with make(dataset, 100) as reader:
        for epoch in (0, 1, 2, 5, 5, 6):
            with make(dataset, 100) as fresh:
                assert np.array_equal(ids_of(reader, 1, epoch), ids_of(fresh, 1, epoch)), epoch


@READERS
def test_the_last_batches_stay_valid(make, dataset):
    with make(dataset, 100) as reader:
        held = []
        for batch in reader.epoch(0, 0):
            held = [*held, (batch, batch["id"].clone(), batch["inputs"]["tracks"].values.clone())][-RING:]
            for kept, id_then, tracks_then in held:
                assert torch.equal(kept["id"], id_then)
                assert torch.equal(kept["inputs"]["tracks"].values, tracks_then)


@READERS
def test_only_what_is_asked_for_is_read(make, dataset):
    with make(dataset, 100, groups=["jets"]) as reader:
        assert list(next(reader.epoch(0, 0))["inputs"]) == ["jets"]


def test_full_batch_is_the_split(dataset):
    with open_split(dataset.manifest, "train", batch_size="full") as reader:
        batches = list(reader.epoch(0, 0))
        assert len(batches) == reader.n_batches() == 1
        assert np.array_equal(ids(batches), np.arange(1777))
        assert batches[0]["inputs"]["image"].offsets[-1] == len(batches[0]["inputs"]["image"].value)


def test_balanced_classes_come_equally_often_and_completely(new_dataset, samples, attributes, study):
    from bevatron.store.shards.build_manifest import build_manifest
    from bevatron.store.shards.manifest import write_manifest
    from bevatron.store.shards.shard import write_shard

    made = new_dataset([900])
    rare = samples(900)
    keep = np.flatnonzero((rare.targets["flavour"] != 2) | (rare.id < 30))  # 10 of the 300 beauty jets
    write_shard(made.folder / "train-0000.h5", rare.take(keep), attributes(study()))
    write_manifest(made.manifest, build_manifest(made.folder, study()))
    with resident(made, 64) as reader:
        seen = ids_of(reader, 1, 0, sampling=BALANCED)
        assert len(seen) == reader.epoch_samples(BALANCED) == 900
        assert np.bincount(seen % 3).tolist() == [300, 300, 300]
        assert set(seen) == set(rare.id[keep].astype(int))
        assert set(np.unique(seen[seen % 3 == 2], return_counts=True)[1]) == {30}
        assert np.array_equal(seen[500:], ids_of(reader, 1, 0, start=500, sampling=BALANCED))


LESSONS = [
    Sampling("flavour", sample_order="sorted"),
    Sampling("flavour", sample_order="alternating", balanced=True),
    Sampling("flavour", class_ratio=((0, 100.0), (2, 10.0))),
    Sampling("flavour", sample_order="alternating", class_ratio=((0, 3.0), (1, 2.0)), samples=301),
    Sampling("flavour", samples=200),
    Sampling(samples=200),
]


@pytest.mark.parametrize("sampling", LESSONS, ids=str)
def test_every_sampling_resumes_and_is_shared_out(sampling, dataset):
    with resident(dataset, 50) as reader:
        whole = [batch["id"].numpy().copy() for batch in reader.epoch(4, 2, sampling=sampling)]
        seen = np.concatenate(whole)
        assert len(seen) == reader.epoch_samples(sampling)
        assert [len(batch) for batch in whole] == [
            reader.rows_of_batch(k, sampling) for k in range(reader.n_batches(sampling))
        ]
        for start in (0, 50, 150):
            assert np.array_equal(ids_of(reader, 4, 2, start=start, sampling=sampling), seen[start:])
        other = ids_of(reader, 4, 3, sampling=sampling)
        assert set(other) == set(seen)
        assert not np.array_equal(other, seen)
        assert np.array_equal(np.unique(seen), np.sort(ids_of(reader, 4, 0, shuffle=False, sampling=sampling)))
    for k in range(3):
        with resident(dataset, 50, part=Part(k, 3)) as reader:
            mine = [batch["id"].numpy().copy() for batch in reader.epoch(4, 2, sampling=sampling)]
        for number, (part, batch) in enumerate(zip(mine, whole, strict=True)):
            assert np.array_equal(part, of_part(k, 3, number * 50, batch))


def test_presentations_and_mixtures(dataset):
    """The dataset's class number is id mod 3: 593, 592 and 592 of 1777 samples."""
    with resident(dataset, 50) as reader:
        one, other, mixed, both = (ids_of(reader, 1, 0, sampling=s) for s in (LESSONS[0], *LESSONS[1:4]))
    assert (one % 3).tolist() == [0] * 593 + [1] * 592 + [2] * 592
    assert (other % 3).tolist() == [0, 1, 2] * 593
    assert np.bincount(mixed % 3, minlength=3).tolist() == [593, 0, 59]
    assert np.bincount(both % 3, minlength=3).tolist() == [181, 120, 0]
    assert (both[:240] % 3).tolist() == [0, 1] * 120


@pytest.mark.parametrize("sampling", [BALANCED, *LESSONS], ids=str)
def test_streaming_refuses_what_needs_the_whole_split(sampling, dataset):
    with streaming(dataset, 10) as reader:
        for ask in (lambda: reader.epoch(0, 0, sampling=sampling), lambda: reader.n_batches(sampling)):
            with pytest.raises(UserError, match=r"streamed.*training\..*memory_budget_gb"):
                ask()


def test_the_budget_chooses_the_reader(dataset):
    size = describe(dataset.manifest, "train").bytes
    with open_split(dataset.manifest, "train", batch_size=10, memory_budget_bytes=size) as reader:
        assert isinstance(reader, ResidentReader)
    with open_split(dataset.manifest, "train", batch_size=10, memory_budget_bytes=size - 1) as reader:
        assert isinstance(reader, StreamingReader)
        assert len(ids_of(reader, 0, 0)) == 1777
    with pytest.raises(UserError, match=r"batch_size 'full'.*memory_budget_gb"):
        open_split(dataset.manifest, "train", batch_size="full", memory_budget_bytes=size - 1)


@pytest.mark.parametrize(("key", "value"), [("groups", ["jets", "towers"]), ("targets", ["mass"])])
def test_unknown_names_are_refused_with_the_known_ones(key, value, dataset):
    with pytest.raises(UserError, match=r"has no .* '(towers|mass)'; allowed: "):
        open_split(dataset.manifest, "train", batch_size=10, **{key: value})


def prefetching():
    return [thread for thread in threading.enumerate() if thread.name == "bevatron-prefetch"]


def test_threads_end_with_their_iterator_or_reader(dataset):
    reader = streaming(dataset, 10)
    batches = reader.epoch(0, 0)
    next(batches)
    assert len(prefetching()) == 1
    batches.close()
    assert not prefetching()
    list(islice(reader.epoch(0, 0), 3))
    del reader
    gc.collect()
    assert not prefetching()
    with streaming(dataset, 10) as reader:
        for _ in reader.epoch(0, 0):
            pass
        assert len(prefetching()) == 1
    assert not prefetching()


def test_an_abandoned_epoch_gives_way_to_the_next(dataset):
    with streaming(dataset, 10) as reader:
        old = reader.epoch(0, 0)
        next(old)
        assert len(ids_of(reader, 0, 1)) == 1777
        assert len(prefetching()) == 1


def test_the_interpreter_exits_in_mid_epoch(dataset):
    script = f"""
import sys; sys.path.insert(0, {str(__file__).rsplit("/", 1)[0]!r})
from types import SimpleNamespace; from pathlib import Path
from test_readers import streaming
batches = streaming(SimpleNamespace(manifest=Path({str(dataset.manifest)!r})), 10).epoch(0, 0)
print(len(next(batches)["id"]))"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout.strip(), done.stderr) == ("10", "")


def test_streaming_memory_does_not_grow_with_the_dataset(new_dataset):
    peaks = []
    for size in (3_000, 18_000):
        made = new_dataset([size] * 2, folder=f"of {size}")
        with streaming(made, 100, block_rows=500, buffer_blocks=4) as reader:
            tracemalloc.start()
            for epoch in range(2):
                for _ in reader.epoch(0, epoch):
                    pass
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_blocks_shrink_to_the_memory_budget(dataset):
    split = describe(dataset.manifest, "train")
    budget = split.bytes / 4
    with StreamingReader(split, 10, 16_000, 8, budget) as reader:
        assert len(ids_of(reader, 0, 0)) == 1777
        rows = sum(table.rows for table in reader._tables)
        assert rows * split.bytes / len(split) <= budget


def test_dense_forms(dataset, expected):
    buffer = ImageBuffer()
    with resident(dataset, 37) as reader:
        for batch in reader.epoch(0, 0):
            right = expected(batch["id"].numpy())
            tracks: Ragged = right.inputs["tracks"].column
            dense = np.zeros((len(right), 3, 2), np.float32)
            for row, (first, last) in enumerate(zip(tracks.offsets[:-1], tracks.offsets[1:], strict=True)):
                part = tracks.values[first:last][:3]
                dense[row, : len(part)] = part
            found = pad(batch["inputs"]["tracks"], 3)
            assert np.array_equal(found.values.numpy(), dense)
            assert np.array_equal(found.n_valid.numpy(), np.minimum(tracks.lengths, 3))
            image: SparseImages = right.inputs["image"].column
            dense = np.zeros((len(right), 2 * 12 * 12), np.float32)
            dense[np.repeat(np.arange(len(right)), np.diff(image.offsets)), image.index] = image.value
            dense = dense.reshape(-1, 2, 12, 12)
            assert np.array_equal(images(batch["inputs"]["image"]).numpy(), dense)
            assert np.array_equal(images(batch["inputs"]["image"], buffer).numpy(), dense)


@pytest.mark.parametrize("part", [Part(), Part(1, 3)])
def test_batches_gathered_at_once_are_those_gathered_one_by_one(part, dataset, expected):
    """On a GPU several are gathered at once; here the same is done on the CPU."""
    with resident(dataset, 70, part=part) as reader:
        one_by_one = [batch["id"].numpy().copy() for batch in reader.epoch(1, 1)]
        rows = torch.from_numpy(reader._order(1, 1, True, Sampling())[0])
        reader._at_once = 3  # which does not divide their number
        at_once = list(reader._on_device(rows, reader._sizes(0, reader.n_samples)))
    assert len(at_once) == len(one_by_one) == 26
    for batch, ids in zip(at_once, one_by_one, strict=True):
        assert np.array_equal(batch["id"].numpy(), ids)
        assert_holds(batch, expected(ids))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_resident_on_the_gpu(dataset, expected):
    with open_split(dataset.manifest, "train", batch_size=100, device="cuda") as reader:
        host = ids_of(resident(dataset, 100), 1, 1)
        seen = []
        for batch in reader.epoch(1, 1):
            assert batch["inputs"]["jets"].device.type == "cuda"
            assert images(batch["inputs"]["image"]).device.type == "cuda"
            seen.append(batch["id"].cpu().numpy())
            assert_holds(on_host(batch), expected(seen[-1]))
    assert np.array_equal(np.concatenate(seen), host)


def on_host(value):
    if isinstance(value, torch.Tensor):
        return value.cpu()
    if isinstance(value, dict):
        return {key: on_host(part) for key, part in value.items()}
    return type(value)(*map(on_host, value)) if hasattr(value, "_fields") else value
