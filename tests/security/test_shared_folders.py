"""In a folder that everybody can write to, as /tmp, nothing that somebody else has put there is followed or trusted."""

import os
import stat
import time
from pathlib import Path

import pytest

from bevatron.compute.process.private_folder import is_private, make_private_folder
from bevatron.compute.ray import ray_folder
from bevatron.compute.ray.ray_token import check_token, new_token
from bevatron.errors import UserError


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


@pytest.fixture
def precious(tmp_path):
    """A folder of this user's that looks like one of a dead session, but is none."""
    folder = tmp_path / "home" / "work"
    (folder / "r").mkdir(parents=True)
    (folder / "r" / "thesis").write_text("a year's work")
    (folder / "lock").write_text("")
    old(folder / "lock")
    return folder


def old(path: Path) -> None:
    os.utime(path, (time.time() - 3600,) * 2)


def test_what_a_dead_session_left_is_removed(base):
    folder, lock = ray_folder.own_folder(base)
    (folder / "r").mkdir()
    (folder / "r").chmod(0o777)  # Ray does that
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    old(folder / "lock")
    ray_folder.remove_stale(base)
    assert folder.exists()  # in use
    lock.close()
    ray_folder.remove_stale(base)
    assert not folder.exists()


def test_a_link_in_a_session_s_place_is_not_followed(base, precious):
    (base / "bv-planted").symlink_to(precious)
    ray_folder.remove_stale(base)
    assert (precious / "r" / "thesis").read_text() == "a year's work"
    assert (precious / "lock").exists()


def test_a_lock_that_is_a_link_or_a_pipe_is_not_opened(base, precious):
    for name, make in (("bv-link", lambda path: path.symlink_to(precious / "lock")), ("bv-pipe", os.mkfifo)):
        folder = base / name
        (folder / "r").mkdir(parents=True, mode=0o700)
        folder.chmod(0o700)
        make(folder / "lock")
        if name == "bv-pipe":
            old(folder / "lock")
        ray_folder.remove_stale(base)
        assert folder.exists()


def test_a_link_inside_a_dead_session_s_folder_is_removed_and_what_it_leads_to_is_not(base, precious):
    folder, lock = ray_folder.own_folder(base)
    (folder / "r").mkdir()
    (folder / "r" / "session_latest").symlink_to(precious)
    lock.close()
    old(folder / "lock")
    ray_folder.remove_stale(base)
    assert not folder.exists()
    assert (precious / "r" / "thesis").exists()


def others_write(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def group_writes(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o775)


def a_file(folder: Path) -> None:
    folder.write_text("")


def somebody_else_s(folder: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    folder.mkdir()
    os.chown(folder, 12345, 12345)


def a_link(folder: Path) -> None:
    target = folder.parent.parent / "elsewhere"
    target.mkdir()
    target.chmod(0o700)
    folder.symlink_to(target)


@pytest.mark.parametrize("plant", [others_write, group_writes, a_file, somebody_else_s, a_link])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_machine_code_is_not_taken_from_a_folder_that_others_can_write_to(base, plant, level):
    names = ("bevatron", "compiled", "0123456789abcdef")
    folder = make_private_folder(base, *names[:level]) if level else base
    plant(folder / names[level])
    assert make_private_folder(base, *names) is None


def test_a_place_of_one_s_own_is_made_and_found_again(base):
    for _ in range(2):
        folder = make_private_folder(base, "bevatron", "compiled", "x")
        assert is_private(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_a_place_without_the_sticky_bit_is_none(base):
    """There, others could put their own folder in the place of ours."""
    base.chmod(0o777)
    assert make_private_folder(base, "bevatron") is None


def test_a_planted_token_is_not_written_through(base, precious):
    (base / "token").symlink_to(precious / "r" / "thesis")
    path = new_token(base / "token")
    assert not path.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (precious / "r" / "thesis").read_text() == "a year's work"


def test_a_token_that_is_no_text_is_one_line(base):
    (base / "token").write_bytes(b"\xff" * 64)
    (base / "token").chmod(0o600)
    with pytest.raises(UserError, match="the token cannot be read"):
        check_token(base / "token")
