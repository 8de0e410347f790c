"""A shard gives back what was put in, repeats byte for byte, and is refused by name when anything is wrong with it."""

import pickle
from dataclasses import replace

import h5py
import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.store.files.publish import sha256_of
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples, SparseImages
from bevatron.store.shards.shard import CHUNK_BYTES, Shard, chunk_rows, read_shard, write_shard


def same(one: Samples, other: Samples) -> bool:
    """Whether all numbers, types, names and units are the same."""
    arrays = [flattened(samples) for samples in (one, other)]
    return arrays[0].keys() == arrays[1].keys() and all(
        a.dtype == arrays[1][name].dtype
        and a.shape == arrays[1][name].shape
        and a.tobytes() == arrays[1][name].tobytes()
        for name, a in arrays[0].items()
    )


def flattened(samples: Samples) -> dict[str, np.ndarray]:
    arrays = {"id": samples.id, **samples.targets}
    for name, group in samples.inputs.items():
        arrays[f"{name} named"] = np.array([*group.features, *group.units, type(group.column).__name__])
        for part, value in vars(group.column).items():
            arrays[f"{name} {part}"] = np.asarray(value)
    others = {"weight": samples.weight, "event": samples.event}
    return arrays | {name: values for name, values in others.items() if values is not None}


@pytest.mark.parametrize("compression", ["lz4", "zstd", "none"])
@pytest.mark.parametrize("n", [0, 1, 2500])
def test_round_trip_of_every_layout(n, compression, tmp_path, samples):
    event = np.arange(n, dtype=np.uint64) // 3 + np.uint64(2**63)
    written = replace(samples(n), weight=np.linspace(0, 1, n, dtype=np.float32), event=event)
    attributes = {"study": "jets", "seed": 2**63 - 1, "classes": ["b", "ç"], "versions": {"pythia": "8.3"}, "x": 0.5}
    write_shard(tmp_path / "s.h5", written, attributes, compression)
    read = read_shard(tmp_path / "s.h5")
    assert same(read, written)
    assert read.attributes == {**attributes, "schema_version": 2, "n_samples": n}


@pytest.mark.parametrize("dtype", ["float64", "float16", "int8", "uint8", "int64", "uint32", "uint64", "bool"])
def test_number_types_are_kept(dtype, tmp_path, samples):
    values = np.arange(40).reshape(10, 2, 2).astype(dtype)
    written = replace(samples(10), inputs={"x": Group(Dense(values), ("a", "b"), ("", ""))})
    write_shard(tmp_path / "s.h5", written, {})
    assert same(read_shard(tmp_path / "s.h5"), written)


@pytest.mark.parametrize("compression", ["lz4", "zstd", "none"])
def test_repeats_byte_for_byte(compression, tmp_path, samples):
    for name in ("a.h5", "b.h5"):
        write_shard(tmp_path / name, samples(3000), {"versions": {"b": "2", "a": "1"}, "seed": 1}, compression)
    assert sha256_of(tmp_path / "a.h5") == sha256_of(tmp_path / "b.h5")


def test_big_endian_and_strided_columns_are_the_same_file(tmp_path, samples):
    plain = samples(100)
    jets = plain.inputs["jets"].column.values
    odd = np.asfortranarray(jets.astype(">f4"))
    write_shard(tmp_path / "a.h5", plain, {})
    write_shard(
        tmp_path / "b.h5",
        replace(plain, inputs={**plain.inputs, "jets": Group(Dense(odd), ("pt", "eta"), ("GeV", "1"))}),
        {},
    )
    assert sha256_of(tmp_path / "a.h5") == sha256_of(tmp_path / "b.h5")


@pytest.mark.parametrize("row_bytes", [1, 4, 8, 64, 100, 1680, 1760, 5000, 300_000, 331_776, 1_000_000])
def test_chunks_are_between_256_kib_and_1_mib(row_bytes):
    least, most = CHUNK_BYTES
    assert least <= chunk_rows(row_bytes) * row_bytes <= most


def test_a_row_larger_than_a_chunk_is_a_chunk():
    assert chunk_rows(5_000_000) == 1


def test_compressed_chunks_carry_checksums(tmp_path, samples):
    write_shard(tmp_path / "s.h5", samples(3000), {})
    with h5py.File(tmp_path / "s.h5") as file:
        datasets = []
        file.visititems(lambda _, node: datasets.append(node) if isinstance(node, h5py.Dataset) else None)
        assert len(datasets) == 11
        assert all(dataset.fletcher32 and dataset._filters for dataset in datasets)


def broken(samples, name, **parts):
    group = samples.inputs[name]
    return replace(samples, inputs={**samples.inputs, name: replace(group, column=replace(group.column, **parts))})


def put(array, place, value):
    array = array.copy()
    array[place] = value
    return array


def test_nan_is_refused_by_group_feature_and_row(tmp_path, samples):
    good, path = samples(50, first_id=100), tmp_path / "new" / "s.h5"
    tracks: Ragged = good.inputs["tracks"].column
    image: SparseImages = good.inputs["image"].column
    element, pixel = int(tracks.offsets[33]), int(image.offsets[18]) - 1  # the last pixel lies in plane v
    cases = {
        "group 'jets', feature 'eta', row 7 (sample id 107) is NaN": broken(
            good, "jets", values=put(good.inputs["jets"].column.values, (7, 1), np.nan)
        ),
        "group 'tracks', feature 'd0', row 33 (sample id 133) is infinite": broken(
            good, "tracks", values=put(tracks.values, (element, 0), -np.inf)
        ),
        "group 'image', feature 'v', row 17 (sample id 117) is NaN": broken(
            good, "image", value=put(image.value, pixel, np.nan)
        ),
        "target 'energy', row 49 (sample id 149) is NaN": replace(
            good, targets={**good.targets, "energy": put(good.targets["energy"], 49, np.nan)}
        ),
        "'weight', row 0 (sample id 100) is infinite": replace(good, weight=put(np.ones(50), 0, np.inf)),
    }
    for message, bad in cases.items():
        with pytest.raises(UserError) as error:
            write_shard(path, bad, {})
        assert message in str(error.value)
        assert str(path) in str(error.value)
        assert not path.parent.exists()


def test_huge_but_finite_numbers_pass(tmp_path, samples):
    good = samples(3)
    values = np.array([[3e38, 3e38], [-3e38, 0], [3e38, 1]], np.float32)
    write_shard(tmp_path / "s.h5", broken(good, "jets", values=values), {})


def test_columns_that_do_not_fit_are_refused(tmp_path, samples):
    good = samples(20)
    tracks, image = good.inputs["tracks"].column, good.inputs["image"].column
    cases = {
        "19 samples where 'id' has 20": broken(good, "jets", values=good.inputs["jets"].column.values[:19]),
        "target 'flavour' has 19 entries": replace(good, targets={"flavour": np.zeros(19)}),
        "do not cut its": broken(good, "tracks", values=tracks.values[:-1]),
        "offsets do not": broken(good, "tracks", offsets=put(tracks.offsets, 3, 999)),
        "sample 2: pixel 288 lies outside the image of 2 × 12 × 12": broken(
            good, "image", index=put(image.index, image.offsets[2], 288)
        ),
        "pixels repeat or are out of order": broken(
            good, "image", index=put(image.index, image.offsets[3], image.index[image.offsets[3] + 1])
        ),
        "the sample id 4 stands twice": replace(good, id=put(good.id, 9, 4)),
        "2 features, but 1 names": replace(good, inputs={"x": Group(tracks, ("d0",), ("mm", "mm"))}),
        "must be a list of uint64": replace(good, id=good.id.astype(np.int64)),
        "'event' is int64 of the shape (20,); it must be uint64": replace(good, event=np.arange(20)),
        "'event' is uint64 of the shape (19,)": replace(good, event=good.id[:19]),
    }
    for message, bad in cases.items():
        with pytest.raises(UserError) as error:
            write_shard(tmp_path / "s.h5", bad, {})
        assert message in str(error.value), str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"gone\.h5: no such file"):
        read_shard(tmp_path / "gone.h5")


def test_a_truncated_file_is_refused_at_every_length(tmp_path, samples):
    path = tmp_path / "s.h5"
    write_shard(path, samples(400), {"study": "x"})
    whole = path.read_bytes()
    for length in (*range(0, 200, 13), *np.linspace(200, len(whole) - 1, 40).astype(int)):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"s\.h5: is (truncated|not an HDF5 file|damaged)"):
            read_shard(path)


def test_flipped_bits_are_refused_or_harmless(tmp_path, samples):
    """Every part of a shard that means anything carries a checksum."""
    path, written = tmp_path / "s.h5", samples(400)
    write_shard(path, written, {"study": "x", "versions": {"a": "1"}})
    whole, refused = path.read_bytes(), 0
    attributes = read_shard(path).attributes
    random = np.random.default_rng(5)
    for place in random.integers(0, len(whole), 300):
        content = bytearray(whole)
        content[place] ^= 1 << int(random.integers(8))
        path.write_bytes(content)
        try:
            read = read_shard(path)
        except UserError as error:
            assert "s.h5" in str(error)  # noqa: PT017
            assert "\n" not in str(error)  # noqa: PT017
            refused += 1
        else:
            assert same(read, written)
            assert read.attributes == attributes
    assert refused > 200


def test_other_versions_and_foreign_files_are_refused(tmp_path, samples):
    path = tmp_path / "s.h5"
    write_shard(path, samples(5), {})
    with h5py.File(path, "r+") as file:
        file.attrs["schema_version"] = 3
    with pytest.raises(UserError, match="version 3 of the contract; this Bevatron reads version 2"):
        read_shard(path)
    with h5py.File(path, "w") as file:
        file["x"] = [1]
    with pytest.raises(UserError, match="is no shard of Bevatron's"):
        read_shard(path)


@pytest.mark.parametrize("name", ["id", "inputs/tracks/offsets", "targets/flavour"])
def test_inconsistent_lengths_are_refused(name, tmp_path, samples):
    path = tmp_path / "s.h5"
    write_shard(path, samples(5), {})
    with h5py.File(path, "r+") as file:
        shorter = file[name][:-1]
        del file[name]
        file[name] = shorter
    with pytest.raises(UserError, match=r"s\.h5: "):
        read_shard(path)


def test_an_open_shard_is_pickled_without_its_handle(tmp_path, samples):
    write_shard(tmp_path / "s.h5", samples(5), {})
    with Shard(tmp_path / "s.h5") as shard:
        assert len(shard) == 5
        copy = pickle.loads(pickle.dumps(shard))
        assert copy._file is None
        assert len(copy) == 5
        copy.close()


def test_definitions_of_features_are_kept_and_must_match(tmp_path, samples):
    good = samples(20)
    group = good.inputs["jets"]
    told = replace(group, definitions=("transverse momentum", "pseudorapidity"))
    write_shard(tmp_path / "a.h5", replace(good, inputs={"jets": told}), {})
    assert read_shard(tmp_path / "a.h5").inputs["jets"].definitions == told.definitions
    with Shard(tmp_path / "a.h5") as shard:
        assert shard.groups["jets"].definitions == told.definitions
    short = replace(group, definitions=("one",))
    with pytest.raises(UserError, match="2 features, but 1 definitions"):
        write_shard(tmp_path / "b.h5", replace(good, inputs={"jets": short}), {})


@pytest.mark.parametrize(("declared", "expected"), [(None, 3), (40, 40), (1, 3)])
def test_lists_have_the_length_at_which_they_are_cut_or_that_of_the_longest(declared, expected, tmp_path):
    column = Ragged(np.zeros((4, 1), np.float32), np.array([0, 3, 3, 4]), declared)
    samples = Samples({"tracks": Group(column, ("d0",), ("mm",))}, {}, np.arange(3, dtype=np.uint64))
    write_shard(tmp_path / "shard.h5", samples.take(np.arange(3)), {})
    with Shard(tmp_path / "shard.h5") as shard:
        assert shard.groups["tracks"].max_length == expected
