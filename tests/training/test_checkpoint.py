"""Only whole checkpoints are used, the newest first, and they cannot run code."""

import threading

import pytest
import torch

from bevatron.errors import UserError
from bevatron.store.files.publish import sha256_of
from bevatron.training import checkpoint as checkpointing
from bevatron.training.checkpoint import BackgroundCheckpointIO, DurableCheckpointIO, find_newest_valid


@pytest.fixture
def folder(tmp_path):
    io = DurableCheckpointIO()
    for block in (3, 20, 100):
        io.save_checkpoint({"block": block, "weights": torch.arange(5.0)}, tmp_path / f"chunk-{block:09d}.ckpt")
    return tmp_path


def test_the_newest_is_found_and_read(folder):
    path = find_newest_valid(folder)
    assert path.name == "chunk-000000100.ckpt"
    assert DurableCheckpointIO().load_checkpoint(path)["block"] == 100
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("damage", ["truncate", "flip", "no checksum", "empty"])
def test_a_damaged_one_is_passed_over(folder, damage):
    path = folder / "chunk-000000100.ckpt"
    content = bytearray(path.read_bytes())
    if damage == "truncate":
        path.write_bytes(content[:-100])
    elif damage == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "empty":
        path.write_bytes(b"")
    else:
        path.with_name(path.name + ".sha256").unlink()
    assert find_newest_valid(folder).name == "chunk-000000020.ckpt"


def test_one_that_speaks_of_damaged_best_weights_is_passed_over(folder):
    """The best weights so far lie in a file of their own, which is published at the end of the fit."""
    best = folder / "best-000007.safetensors"
    best.write_bytes(b"weights")
    state = {"best_epoch": 7, "best_sha256": sha256_of(best)}
    path = folder / "chunk-000000200.ckpt"
    DurableCheckpointIO().save_checkpoint({"callbacks": {"History": state}}, path)
    assert find_newest_valid(folder) == path
    best.write_bytes(b"weighty")
    assert find_newest_valid(folder).name == "chunk-000000100.ckpt"
    best.unlink()
    assert find_newest_valid(folder).name == "chunk-000000100.ckpt"


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"\n", b"a b c\nd"])
def test_a_damaged_checksum_passes_its_checkpoint_over(folder, text):
    (folder / "chunk-000000100.ckpt.sha256").write_bytes(text)
    assert find_newest_valid(folder).name == "chunk-000000020.ckpt"


def test_none_is_none(tmp_path):
    assert find_newest_valid(tmp_path) is None


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("owned",))

    torch.save({"x": Evil()}, tmp_path / "chunk-000000001.ckpt")
    with pytest.raises(UserError, match=r"chunk-000000001.ckpt: is no checkpoint of Bevatron's"):
        DurableCheckpointIO().load_checkpoint(tmp_path / "chunk-000000001.ckpt")


@pytest.fixture
def slow_disk(monkeypatch):
    """Writing waits until the event is set."""
    disk = threading.Event()
    publish = checkpointing._publish

    def wait_and_publish(*arguments):
        assert disk.wait(20)
        publish(*arguments)

    monkeypatch.setattr(checkpointing, "_publish", wait_and_publish)
    return disk


def test_a_checkpoint_is_written_while_the_fit_goes_on(tmp_path, slow_disk):
    path, weights, order = tmp_path / "chunk-000000001.ckpt", torch.ones(3), []
    io = BackgroundCheckpointIO()
    io.save_checkpoint({"weights": weights}, path)
    io.in_turn(order.append, "after it")
    weights += 1  # the fit goes on
    assert not path.exists()
    assert not order
    slow_disk.set()
    io.wait()
    assert order == ["after it"]
    assert find_newest_valid(tmp_path) == path
    assert io.load_checkpoint(path)["weights"].tolist() == [1, 1, 1]
    io.teardown()


def test_the_next_checkpoint_waits_for_the_one_before(tmp_path, slow_disk):
    io = BackgroundCheckpointIO()
    first, second = (tmp_path / f"chunk-00000000{number}.ckpt" for number in (1, 2))
    io.save_checkpoint({"block": 1}, first)
    threading.Timer(0.2, slow_disk.set).start()
    io.save_checkpoint({"block": 2}, second)
    assert first.exists()
    io.teardown()
    assert find_newest_valid(tmp_path) == second


@pytest.mark.parametrize("end", ["save_checkpoint", "wait", "teardown"])
def test_a_checkpoint_that_could_not_be_written_is_an_error_soon(end, tmp_path):
    (tmp_path / "file").touch()
    io, done = BackgroundCheckpointIO(), []
    io.save_checkpoint({}, tmp_path / "file" / "chunk-000000001.ckpt")
    io.in_turn(done.append, "pruned")
    arguments = ({}, tmp_path / "chunk-000000002.ckpt") if end == "save_checkpoint" else ()
    with pytest.raises(UserError, match="cannot be written: a file stands where a folder is needed"):
        getattr(io, end)(*arguments)
    io.teardown()
    assert not done
