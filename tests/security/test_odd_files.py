"""A pipe, a socket or a device in a file's place is one line, at once: whoever opens a pipe waits for ever."""

import os
import signal
import socket
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bevatron.compute.ray.ray_token import check_token
from bevatron.config.loading.load import read_yaml
from bevatron.errors import UserError
from bevatron.models.network import load_network, load_spec
from bevatron.plan.measure import _json as measured_json
from bevatron.regular_files import open_regular, read_bytes
from bevatron.report.provenance.trace import read_trace
from bevatron.search.trial_log import TrialLog
from bevatron.simulate.external.external_files import open_plain_or_gzip
from bevatron.simulate.external.idx import LABELS, read_idx
from bevatron.store.files.publish import publish_text, sha256_of
from bevatron.store.files.verify import check_shard, verify
from bevatron.store.records.claims import read_claims
from bevatron.store.records.data import read_data
from bevatron.store.records.export import read_export
from bevatron.store.records.metrics import read_metrics
from bevatron.store.records.preprocessing import read_preprocessing
from bevatron.store.records.runs import read_runs
from bevatron.store.records.search import read_search
from bevatron.store.shards.manifest import load_manifest
from bevatron.store.shards.shard import Shard, read_shard
from bevatron.training.checkpoint import DurableCheckpointIO, checksum_path, find_newest_valid

SECONDS = 20


@contextmanager
def at_once():
    """A signal's exception ends even an `open` that waits."""

    def late(*_: object) -> None:
        raise TimeoutError("it waited for the file")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")  # a device by a link: whoever reads it never ends


def terminal(path: Path) -> None:
    path.symlink_to("/dev/tty")


def listener(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        here = os.getcwd()
        os.chdir(path.parent)  # a socket's path is short
        try:
            end.bind(path.name)
        finally:
            os.chdir(here)


def linked_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def use(path: Path) -> None:
    with open_plain_or_gzip(path) as file:
        file.read(10)


READERS = {
    "manifest.json": load_manifest,
    "shard.h5": read_shard,
    "study.yaml": read_yaml,
    "runs.json": lambda path: read_runs(path, "study", "model"),
    "metrics.json": lambda path: read_metrics(path, "study", "model"),
    "data.json": lambda path: read_data(path, "study"),
    "search.json": lambda path: read_search(path, "study", "model"),
    "export.json": lambda path: read_export(path, "study", "model"),
    "preprocessing.json": lambda path: read_preprocessing(path, "study", "model"),
    "model.json": load_spec,
    "claims.json": lambda path: read_claims(path, "study"),
    "provenance.json": read_trace,
    "trial_log.jsonl": TrialLog,
    "timing.json": measured_json,
    "chunk-000000001.ckpt": lambda path: DurableCheckpointIO().load_checkpoint(path),
    "labels-idx1-ubyte": lambda path: read_idx(path, LABELS),
    "events.hepmc": use,
    "token": check_token,
    "any": sha256_of,
}


@pytest.mark.parametrize("make", [pipe, device, terminal, listener, linked_pipe, loop], ids=lambda make: make.__name__)
@pytest.mark.parametrize("name", READERS)
def test_every_reader_refuses_what_is_no_file(tmp_path, name, make):
    path = tmp_path / name
    make(path)
    with at_once(), pytest.raises((UserError, OSError)) as caught:
        READERS[name](path)
    if make is not loop:
        assert isinstance(caught.value, UserError)
    if isinstance(caught.value, UserError):
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [pipe, device, listener], ids=lambda make: make.__name__)
def test_a_manifest_s_shard_that_is_no_file_is_a_problem_at_once(curve, tmp_path, make):
    manifest = load_manifest(curve.manifest)
    (tmp_path / "manifest.json").write_bytes(curve.manifest.read_bytes())
    for entries in manifest.splits.values():
        for entry in entries:
            (tmp_path / entry.file).write_bytes((curve.manifest.parent / entry.file).read_bytes())
    assert verify(tmp_path) == []
    entry = manifest.splits["val"][0]
    path = tmp_path / entry.file
    path.unlink()
    make(path)
    with at_once():
        (problem,) = verify(tmp_path)
        assert str(path) in problem
        assert "not a file" in problem
        with pytest.raises(UserError, match="not a file"):
            check_shard(path, entry, manifest)
        with pytest.raises(UserError, match="not a file"), Shard(path) as shard:
            len(shard)


@pytest.mark.parametrize("file", ["weights.safetensors", "model.json"])
def test_weights_that_are_a_pipe_are_refused(tmp_path, file):
    os.mkfifo(tmp_path / file)
    with at_once(), pytest.raises(UserError):
        load_network(tmp_path)


def test_a_checkpoint_s_checksum_that_is_a_pipe_is_passed_over(tmp_path):
    path = tmp_path / "chunk-000000001.ckpt"
    path.write_bytes(b"x")
    os.mkfifo(checksum_path(path))
    with at_once():
        assert find_newest_valid(tmp_path) is None
    checksum_path(path).unlink()
    publish_text(checksum_path(path), f"{'0' * 64}\n")
    path.unlink()
    os.mkfifo(path)
    with at_once():
        assert find_newest_valid(tmp_path) is None


def test_a_link_to_an_ordinary_file_is_one(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "labels").write_bytes(b"\0\0\x08\x01\0\0\0\x02\x03\x04")
    (tmp_path / "labels").symlink_to("far/labels")
    assert np.array_equal(read_idx(tmp_path / "labels", LABELS), [3, 4])


def test_a_file_with_holes_is_not_read_whole(tmp_path):
    path = tmp_path / "weights.safetensors"
    with path.open("wb") as file:
        file.truncate(1 << 42)  # four terabytes that no disk here holds
    with pytest.raises(UserError, match=r"has 4,398,046,511,104 bytes; at most"):
        read_bytes(path)
    with open_regular(path) as file:
        assert file.read(4) == b"\0" * 4
