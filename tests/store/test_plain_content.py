"""A shard from elsewhere that leads into other files, or holds anything but numbers, is refused by name."""

import h5py
import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.store.files.verify import verify
from bevatron.store.shards.inspect import inspect
from bevatron.store.shards.shard import Shard, read_shard, write_shard

SECRET = np.array([[42.0, 43.0]] * 100, np.float32)


@pytest.fixture
def place(tmp_path, samples):
    """A sound shard, and beside it a file that its maker should not be able to read through it."""
    write_shard(tmp_path / "shard.h5", samples(100), {"study": "made"})
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["numbers"] = SECRET
    (tmp_path / "secret.raw").write_bytes(SECRET.tobytes())
    return tmp_path


@pytest.fixture
def samples():
    from bevatron.store.shards.columns import Dense, Group, Samples

    def make(n: int) -> Samples:
        group = Group(Dense(np.ones((n, 2), np.float32)), ("pt", "eta"), ("GeV", "1"))
        return Samples({"jets": group}, {"energy": np.ones(n, np.float32)}, np.arange(n, dtype=np.uint64))

    return make


def external_link(file: h5py.File) -> None:
    file["inputs/jets"] = h5py.ExternalLink("secret.h5", "/numbers")


def external_group(file: h5py.File) -> None:
    file["inputs/jets"] = h5py.ExternalLink("secret.h5", "/")


def soft_link(file: h5py.File) -> None:
    file["inputs/jets"] = h5py.SoftLink("/targets/energy")


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(SECRET.shape, SECRET.dtype)
    layout[:] = h5py.VirtualSource("secret.h5", "numbers", SECRET.shape)
    file.create_virtual_dataset("inputs/jets", layout)


def external_storage(file: h5py.File) -> None:
    file.create_dataset("inputs/jets", SECRET.shape, SECRET.dtype, external=[("secret.raw", 0, SECRET.nbytes)])


def references(file: h5py.File) -> None:
    file.create_dataset("inputs/jets", data=np.array([file["id"].ref] * 100, dtype=h5py.ref_dtype))


def region_references(file: h5py.File) -> None:
    region = file["id"].regionref[:10]
    file.create_dataset("inputs/jets", data=np.array([region] * 100, dtype=h5py.regionref_dtype))


def texts(file: h5py.File) -> None:
    file.create_dataset("inputs/jets", data=["text"] * 100)


def a_loop(file: h5py.File) -> None:
    file["inputs/jets"] = file["/"]


WAYS = {
    external_link: "external link to 'secret.h5'",
    external_group: "external link to 'secret.h5'",
    soft_link: "a link of a kind that shards do not have",
    virtual: "virtual dataset over secret.h5",
    external_storage: "in another file, 'secret.raw'",
    references: "object references, not numbers",
    region_references: "object references, not numbers",
    texts: "texts, not numbers",
    a_loop: "deeper than anything in a shard",
}


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
def test_ways_out_of_the_file_are_refused_by_name(way, place, monkeypatch):
    monkeypatch.chdir(place)
    path = place / "shard.h5"
    with h5py.File(path, "r+") as file:
        attributes = dict(file["inputs/jets"].attrs)
        del file["inputs/jets"]
        way(file)
        if way in (virtual, external_storage, references):
            file["inputs/jets"].attrs.update(attributes)
    with Shard(path) as shard, pytest.raises(UserError, match=WAYS[way]) as caught:
        shard.read("id")
    assert str(path) in str(caught.value)
    assert "'/inputs/jets" in str(caught.value)
    assert "\n" not in str(caught.value)
    for read in (read_shard, inspect):
        with pytest.raises(UserError, match=WAYS[way]):
            read(path)
    assert WAYS[way] in verify(path)[0]


def test_without_the_check_the_other_file_would_have_been_read(place, monkeypatch):
    """HDF5 itself follows: the refusals above are needed."""
    monkeypatch.chdir(place)
    with h5py.File(place / "shard.h5", "r+") as file:
        del file["inputs/jets"]
        virtual(file)
    with h5py.File(place / "shard.h5") as file:
        assert np.array_equal(file["inputs/jets"][()], SECRET)


def test_an_honest_shard_passes(place):
    with Shard(place / "shard.h5") as shard:
        assert len(shard) == 100
