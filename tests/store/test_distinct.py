"""Repeated ids are found in datasets of any size, exactly, and nothing is left of the search."""

import errno
import io
import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.store.shards.distinct import DistinctIds

TOP = 2**64 - 1


def look(folder, shards, run=64, block=4):
    """Searches shards {name: ids} with runs so short that a few hundred ids make many."""
    with DistinctIds(folder, shards.__getitem__, run, block) as ids:
        for name, numbers in shards.items():
            ids.add(name, numbers)
        ids.finish()


def repeated_in(shards):
    """By brute force: {id: names of the shards that hold it} of those that stand in several."""
    holding = {}
    for name, numbers in shards.items():
        for number in numbers.tolist():
            holding.setdefault(number, []).append(name)
    return {number: names for number, names in holding.items() if len(names) > 1}


def random_shards(random):
    """Up to 60 shards of any size, empty ones too, of ids that are dense, far apart, or at both ends of all."""
    style = random.integers(3)
    n = [int(random.choice([0, 1, 3, 50, 200])) for _ in range(random.integers(1, 60))]
    total = sum(n)
    if style == 0:
        ids = random.permutation(total + 5)[:total].astype(np.uint64)
    elif style == 1:
        ids = np.unique(random.integers(0, TOP, 2 * total + 9, dtype=np.uint64, endpoint=True))
        ids = random.permutation(ids)[:total]
    else:
        ends = np.arange(total, dtype=np.uint64)
        ids = np.concatenate([ends[: total // 2], np.uint64(TOP) - ends[: total - total // 2]])
    cuts = np.cumsum(n)[:-1]
    return {f"{i}.h5": part for i, part in enumerate(np.split(ids, cuts))}


@pytest.mark.parametrize("seed", range(60))
def test_agrees_with_brute_force(seed, tmp_path):
    random = np.random.default_rng(seed)
    shards = random_shards(random)
    look(tmp_path, shards)  # distinct as made
    full = [name for name, ids in shards.items() if len(ids)]
    for _ in range(random.integers(1, 4)):  # then some ids are copied into another shard
        if len(full) < 2:
            return
        source, target = random.choice(full, 2, replace=False)
        stolen = random.choice(shards[source])
        shards[target] = np.unique(np.append(shards[target], stolen))
    expected = repeated_in(shards)
    with pytest.raises(UserError) as error:
        look(tmp_path, shards)
    assert any(
        f"{names[1]}: the sample id {number} is also in {names[0]};" in str(error.value)
        for number, names in expected.items()
    )


@pytest.mark.parametrize("number", [0, 1, 2**63, TOP])
@pytest.mark.parametrize("places", [(0, 39), (0, 1), (38, 39), (17, 25)])
def test_one_repeat_anywhere_is_found_and_both_shards_named(number, places, tmp_path):
    shards = {f"{i:04d}.h5": np.arange(1000 * i + 2, 1000 * i + 52, dtype=np.uint64) for i in range(40)}
    for place in places:
        name = f"{place:04d}.h5"
        shards[name] = np.append(shards[name], np.uint64(number))
    with pytest.raises(UserError) as error:
        look(tmp_path, shards)
    earlier, later = (f"{place:04d}.h5" for place in places)
    assert f"{tmp_path / later}: the sample id {number} is also in {earlier}; run the prepare stage" in str(error.value)


def test_only_shards_of_the_two_runs_are_read_again(tmp_path):
    """And of them only those among whose ids it may be: not 1,000 files for one id."""
    shards = {f"{i:04d}.h5": np.arange(1000 * i, 1000 * i + 10, dtype=np.uint64) for i in range(1000)}
    shards["0900.h5"] = np.append(shards["0900.h5"], np.uint64(3005))
    read = []
    with DistinctIds(tmp_path, lambda name: read.append(name) or shards[name], 64, 4) as ids:
        for name, numbers in shards.items():
            ids.add(name, numbers)
        with pytest.raises(UserError, match=r"0900\.h5: the sample id 3005 is also in 0003\.h5"):
            ids.finish()
    assert read == ["0003.h5", "0900.h5"]


def test_nothing_lies_in_the_folder_meanwhile_and_afterwards(tmp_path):
    """Not even while it works: whatever kills the process, nothing is left."""
    with DistinctIds(tmp_path, None, 64, 4) as ids:
        for i in range(20):
            ids.add(f"{i}", np.arange(100 * i, 100 * i + 50, dtype=np.uint64))
            assert list(tmp_path.iterdir()) == []
        ids.finish()
    assert list(tmp_path.iterdir()) == []


def test_small_datasets_need_no_disk(tmp_path):
    """One run or less stays in memory; here the folder does not even exist."""
    with DistinctIds(tmp_path / "absent", None) as ids:
        ids.add("a", np.arange(1000, dtype=np.uint64))
        ids.finish()


def test_a_killed_search_leaves_nothing(tmp_path):
    code = f"""
import time, numpy as np
from bevatron.store.shards.distinct import DistinctIds
ids = DistinctIds({str(tmp_path)!r}, None, 1000, 10)
for i in range(20):
    ids.add(str(i), np.arange(1000 * i, 1000 * i + 900, dtype=np.uint64))
print("stored", len(ids._runs), flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "stored 10\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_a_full_disk_is_told_in_one_line(tmp_path):
    """The system refuses to write more than 4 kB: the error is the usual one."""
    code = f"""
import resource, signal, numpy as np
from bevatron.errors import UserError
from bevatron.store.shards.distinct import DistinctIds
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    with DistinctIds({str(tmp_path)!r}, None, 1000, 10) as ids:
        ids.add("a", np.arange(2000, dtype=np.uint64))
except UserError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{tmp_path}: cannot be written: {os.strerror(errno.EFBIG)};")
    assert done.stdout.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_file_system_is_told_as_such(tmp_path, monkeypatch):
    """/dev/full, on which every write meets a full disk, in the place of the temporary file."""
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: io.FileIO("/dev/full", "r+"))
    with pytest.raises(UserError, match="cannot be written: the disk is full; free some space"):
        look(tmp_path, {"a": np.arange(100, dtype=np.uint64)})


def test_memory_does_not_grow_with_the_dataset(tmp_path):
    """A million ids in random order, 8 MB, of which no more than 16,384 are waiting."""
    ids = np.random.default_rng(1).permutation(2**20).astype(np.uint64) * np.uint64(2**40 + 1)
    peaks = []
    for n in (2**17, 2**20):
        tracemalloc.start()
        with DistinctIds(Path(tmp_path), None, 2**14, 2**6) as search:
            for start in range(0, n, 1000):
                search.add(str(start), ids[start : min(start + 1000, n)])
            search.finish()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5e6
    assert peaks[1] < 2 * peaks[0] + 2e5  # names of eight times as many shards


def test_shards_that_change_meanwhile_are_noticed(tmp_path):
    """The id that was seen twice is gone when the two shards are looked at again."""
    with DistinctIds(tmp_path, lambda name: np.arange(5, dtype=np.uint64)) as ids:
        ids.add("a", np.array([7, 1000], np.uint64))
        ids.add("b", np.array([7, 2000], np.uint64))
        with pytest.raises(UserError, match="changed while they were read"):
            ids.finish()
