"""Only whole checkpoints are used, the newest first, and they cannot run code."""

import pytest
import torch

from bevatron.errors import UserError
from bevatron.store.files.publish import sha256_of
from bevatron.training.checkpoint import DurableCheckpointIO, find_newest_valid


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
