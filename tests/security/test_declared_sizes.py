"""Headers that declare more than their files can hold are one line, before memory or time is spent.

What could fill a machine's memory runs in a process of its own, which the system lets have two gigabytes at most.
"""

import gzip
import json
import resource
import struct
import subprocess
import sys
import time
import zlib

import h5py
import numpy as np
import pytest
import yaml

from bevatron.config.loading.load import read_yaml
from bevatron.config.loading.yaml_text import parse_yaml
from bevatron.errors import ConfigurationError, UserError
from bevatron.json_text import parse_json
from bevatron.store.files.verify import verify
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples
from bevatron.store.shards.manifest import load_manifest
from bevatron.store.shards.shard import Shard, read_shard, write_shard

LIMIT, SECONDS = 2 << 30, 60
CHILD = """
import sys, time
from bevatron.errors import UserError
{setup}
start = time.monotonic()
try:
    {call}
except UserError as error:
    print(error)
    sys.exit(0 if time.monotonic() - start < {seconds} else 4)
sys.exit(3)
"""


def refused_within_limits(setup: str, call: str, seconds: float = 10) -> str:
    """The one line with which a call in a process of 2 GB ends, in at most so many seconds."""
    code = CHILD.format(setup=setup, call=call, seconds=seconds)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT)),
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr[-2000:])
    (line,) = done.stdout.splitlines()
    return line


def read_idx(path) -> str:
    setup = "from bevatron.simulate.external.idx import IMAGES, read_idx\nfrom pathlib import Path"
    return refused_within_limits(setup, f"read_idx(Path({str(path)!r}), IMAGES)")


def read_lines(path) -> str:
    setup = "from bevatron.simulate.sources.jet_flavour_jsonl import JetFlavourLines"
    options = f"JetFlavourLines.Options(kind='jet_flavour_jsonl', files=[{str(path)!r}])"
    return refused_within_limits(setup, f"JetFlavourLines().simulate({options}, 0, 1)")


@pytest.fixture
def shard(tmp_path):
    """A sound shard of 100 samples with a dense and a ragged group."""
    path = tmp_path / "shard.h5"
    jets = Group(Dense(np.ones((100, 2), np.float32)), ("pt", "eta"), ("GeV", "1"))
    offsets = np.arange(101, dtype=np.int64) * 3
    tracks = Group(Ragged(np.ones((300, 2), np.float32), offsets), ("d0", "z0"), ("mm", "mm"))
    ids = np.arange(100, dtype=np.uint64)
    write_shard(
        path, Samples({"jets": jets, "tracks": tracks}, {"y": np.ones(100, np.float32)}, ids), {"study": "made"}
    )
    return path


def replaced(path, name: str, shape: tuple[int, ...], data=None, **settings) -> None:
    """Another dataset in the place of `name`, with its attributes; without `data` nothing is written."""
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        dtype, attributes = file[name].dtype, dict(file[name].attrs)
        del file[name]
        dataset = file.create_dataset(name, shape, dtype, data=data, **settings)
        for key, value in attributes.items():
            dataset.attrs[key] = value


def read_in_child(path) -> str:
    setup = "from bevatron.store.shards.shard import read_shard\nfrom pathlib import Path"
    return refused_within_limits(setup, f"read_shard(Path({str(path)!r}))")


@pytest.mark.parametrize(
    ("name", "shape", "settings"),
    [
        ("inputs/jets", (10**15, 2), {}),
        ("inputs/jets", (10**15, 2), {"chunks": (1024, 2)}),
        ("inputs/jets", (10**12, 10**5), {"chunks": (1024, 2), "fletcher32": True}),
        ("inputs/jets", (100, 10**9), {}),
        ("targets/y", (10**14,), {"fillvalue": 3.0}),
        ("id", (10**13,), {"chunks": (1024,)}),
        ("inputs/tracks/values", (10**12, 2), {"chunks": (1024, 2), "maxshape": (None, 2)}),
        ("inputs/tracks/offsets", (10**12,), {}),
    ],
)
def test_a_dataset_of_values_that_nobody_wrote_is_refused(shard, name, shape, settings):
    replaced(shard, name, shape, **settings)
    assert shard.stat().st_size < 1e6
    line = read_in_child(shard)
    assert str(shard) in line
    assert f"'/{name}' declares" in line
    assert len(verify(shard)) == 1


def test_values_that_a_chunk_lacks_are_refused_though_the_others_are_there(shard):
    replaced(shard, "targets/y", (100,), chunks=(10,))
    with h5py.File(shard, "r+") as file:
        file["targets/y"][:90] = 1.0
    with pytest.raises(UserError, match=r"'/targets/y' declares 100 values that the file does not hold"):
        read_shard(shard)


def test_compressed_zeros_are_not_unpacked(shard):
    """Four gigabytes in a file of four megabytes: every chunk is there, and all are zeros."""
    row = 10 << 20
    replaced(shard, "inputs/jets", (100, row), chunks=(1, row), compression="gzip", compression_opts=9)
    packed = zlib.compress(bytes(4 * row), 9)
    with h5py.File(shard, "r+") as file:
        for k in range(100):
            file["inputs/jets"].id.write_direct_chunk((k, 0), packed)
    with h5py.File(shard) as file:
        assert not file["inputs/jets"][99, :10].any()
    assert shard.stat().st_size < 5e6
    line = read_in_child(shard)
    assert "declares 4,19" in line
    assert str(shard) in line


def test_a_chunk_larger_than_its_dataset_counts_as_a_whole(shard):
    """HDF5 unpacks whole chunks: 100 numbers may stand in one of two gigabytes."""
    replaced(shard, "targets/y", (100,), chunks=(1 << 29,), maxshape=(None,), compression="gzip")
    with h5py.File(shard, "r+") as file:
        zeros = zlib.compressobj(9)
        packed = b"".join(zeros.compress(bytes(1 << 24)) for _ in range(128)) + zeros.flush()
        file["targets/y"].id.write_direct_chunk((0,), packed)
    line = read_in_child(shard)
    assert "bytes of values in a file of" in line


@pytest.mark.parametrize(
    ("name", "shape"), [("inputs/jets", (99, 2)), ("targets/y", (101,)), ("inputs/tracks/offsets", (100,))]
)
def test_lengths_that_differ_are_seen_before_values_are_read(shard, name, shape):
    replaced(shard, name, shape, data=np.ones(shape))
    with pytest.raises(UserError, match=rf"'/{name}' has \d+ entries for 100 samples"), Shard(shard) as opened:
        len(opened)


@pytest.mark.parametrize("declared", [99, 10**12, -1, "100", [100, 100]])
def test_another_number_of_samples_than_there_are_ids_is_refused(shard, declared):
    with h5py.File(shard, "r+") as file:
        del file.attrs["n_samples"]
        file.attrs["n_samples"] = declared
    with pytest.raises(UserError, match="its attribute 'n_samples' is"):
        read_shard(shard)


def test_honest_shards_are_read_whatever_their_size_and_packing(tmp_path):
    for n in (0, 1, 1023, 1024, 1025, 5000):
        for compression in ("lz4", "zstd", "none"):
            path = tmp_path / f"{compression}-{n}.h5"
            group = Group(Dense(np.zeros((n, 3, 7), np.float32)), ("a",) * 7, ("",) * 7)
            samples = Samples({"x": group}, {"y": np.zeros(n)}, np.arange(n, dtype=np.uint64))
            write_shard(path, samples, {}, compression)
            assert len(read_shard(path)) == n


def idx(*lengths: int) -> bytes:
    return struct.pack(">I", 0x803) + struct.pack(f">{len(lengths)}I", *lengths)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("lengths", [(2**31, 2**31, 4), (2**32 - 1,) * 3, (2**16, 2**16, 2**16), (10**5, 28, 28)])
def test_idx_lengths_that_overflow_or_exceed_the_file(tmp_path, lengths, packed):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(gzip.compress(idx(*lengths)) if packed else idx(*lengths))
    line = read_idx(path)
    assert str(path) in line
    assert f"{lengths[0] * lengths[1] * lengths[2]:,} bytes, and holds" in line


def test_an_idx_file_that_unpacks_to_more_than_it_says_is_not_unpacked(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(idx(2, 3, 4))
        for _ in range(3 * 64):
            file.write(bytes(1 << 24))  # three gigabytes
    assert "2 × 3 × 4 = 24 bytes, and holds 65,560 or more" in read_idx(path)


@pytest.mark.parametrize("lengths", [(0, 28, 28), (2**32 - 1, 2**32 - 1, 0)])
def test_an_idx_file_of_nothing(tmp_path, lengths):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(idx(*lengths))
    assert "it holds nothing" in read_idx(path)


def test_an_idx_head_that_is_cut_short(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(idx(2, 3))
    assert "and holds 0" in read_idx(path)


def test_a_line_of_gigabytes_is_not_read(tmp_path):
    path = tmp_path / "jets.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(3 * 64):
            file.write(b"1" * (1 << 24))
    assert f"{path}:1: the line is longer than 16 MB" in read_lines(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 200_000, "nested too deeply"),
        ("[" * 200_000 + "]" * 200_000, "nested too deeply"),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "nested too deeply"),
        ("9" * 10_000, "has 10000 digits"),
        ("-" + "9" * 301, "has 302 digits"),
        ("NaN", "NaN is no number"),
        ('{"x": [-Infinity]}', "-Infinity is no number"),
        ("1e999", "too large"),
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' stands twice"),
    ],
)
def test_json_that_is_none_is_one_line_with_the_file_s_name(tmp_path, text, words):
    with pytest.raises(ValueError, match=words.replace("[", r"\[")):
        parse_json(text)
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load_manifest(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [{"a": [1, 2.5, None, True, "x"]}, [], 0, -3, 1e-300, 10**299, "ü"])
def test_json_is_what_python_says(value):
    assert parse_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key 'a' stands twice (first in line 1)"),
        ("m:\n  x: {y: 1, 'y': 2}\n", 2, "the key 'y' stands twice (first in line 2)"),
        ("- {1: a, 1: b}\n", 1, "the key '1' stands twice"),
        ("seeds: 010\n", 1, "'010' is read in several ways"),
        ("train: 2:30\n", 1, "'2:30' is read in several ways"),
        ("train: 1:2:30.5\n", 1, "'1:2:30.5' is read in several ways"),
        ("train: 0b101\n", 1, "'0b101' is read in several ways"),
        ("x: -0_1\n", 1, "'-0_1' is read in several ways"),
        ("x: " + "9" * 5000 + "\n", 1, "has 5000 digits"),
    ],
)
def test_yaml_that_readers_understand_differently_names_its_line(tmp_path, text, line, words):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_yaml(path)
    assert str(caught.value).startswith(f"{path}:{line}:")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "base: &b {x: 1, y: 2}\na: {<<: *b, x: 3}\nb: {<<: *b, x: 3}\nc: {<<: [*b, {z: 1}]}",
        "title: 1:50:1, 1000 epochs",
        "title: '2:30'",
        "a: 0\nb: 0.5\nc: -1\nd: 1_000\ne: 0x1f\nf: 1.5e+3\ng: .5\nh: 007.txt",
    ],
)
def test_yaml_that_everybody_understands_is_what_the_safe_loader_says(text):
    assert parse_yaml(text) == yaml.safe_load(text)


def test_a_yaml_file_of_megabytes_is_refused_at_once(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("- [a, b]\n" * 500_000)
    start = time.monotonic()
    with pytest.raises(UserError, match="at most 2,097,152 are read"):
        read_yaml(path)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("value", ["true", "'3'", "3.0", "99999999999999999999", "-1", "0", ".inf", "1e3"])
@pytest.mark.parametrize("key", ["n_seeds", "models.net.training.epochs", "simulation.shards"])
def test_a_count_is_an_integer_within_reason(curve, tmp_path, key, value):
    from bevatron.config.loading.load import load_study

    tree = curve.study.model_dump(mode="json")
    *way, last = key.split(".")
    section = tree
    for step in way:
        section = section[step]
    section[last] = "PLACE"
    (tmp_path / "curve.yaml").write_text(yaml.safe_dump(tree).replace("PLACE", value))
    with pytest.raises(ConfigurationError) as caught:
        load_study("curve", "demo", tmp_path)
    assert any(f"{key}: " in line for line in caught.value.lines)


@pytest.mark.parametrize("value", ["true", ".nan", ".inf", "yes"])
def test_a_real_setting_is_a_finite_number(curve, tmp_path, value):
    from bevatron.config.loading.load import load_study

    tree = curve.study.model_dump(mode="json")
    tree["models"]["net"]["training"]["learning_rate"] = "PLACE"
    (tmp_path / "curve.yaml").write_text(yaml.safe_dump(tree).replace("PLACE", value))
    with pytest.raises(ConfigurationError, match="learning_rate"):
        load_study("curve", "demo", tmp_path)
