"""Only whole checkpoints are used, the newest first, and they cannot run code."""

import pickle

import pytest
import torch

from bevatron.learning.checkpoint import DurableCheckpointIO, newest_valid


@pytest.fixture
def folder(tmp_path):
    io = DurableCheckpointIO()
    for block in (3, 20, 100):
        io.save_checkpoint({"block": block, "weights": torch.arange(5.0)}, tmp_path / f"block-{block:09d}.ckpt")
    return tmp_path


def test_the_newest_is_found_and_read(folder):
    path = newest_valid(folder)
    assert path.name == "block-000000100.ckpt"
    assert DurableCheckpointIO().load_checkpoint(path)["block"] == 100
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("damage", ["truncate", "flip", "no checksum", "empty"])
def test_a_damaged_one_is_passed_over(folder, damage):
    path = folder / "block-000000100.ckpt"
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
    assert newest_valid(folder).name == "block-000000020.ckpt"


def test_none_is_none(tmp_path):
    assert newest_valid(tmp_path) is None


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("owned",))

    torch.save({"x": Evil()}, tmp_path / "block-000000001.ckpt")
    with pytest.raises(pickle.UnpicklingError):
        DurableCheckpointIO().load_checkpoint(tmp_path / "block-000000001.ckpt")
