"""The token of somebody's cluster is taken from a file that nobody else can read."""

import pytest

from bevatron.compute.ray.ray_session import ray_session
from bevatron.compute.ray.ray_token import check_token, new_token
from bevatron.compute.slurm.resource_request import ResourceRequest
from bevatron.config.sections.workflow import Ray
from bevatron.errors import UserError


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_token_that_others_can_read_is_refused_in_one_line(tmp_path, mode):
    token = new_token(tmp_path / "token")
    token.chmod(mode)
    session = ray_session(Ray(address="127.0.0.1:9", token=str(token)), ResourceRequest(), tmp_path)
    with pytest.raises(UserError, match=rf"token: others can read the token \(mode {mode:04o}\)") as error, session:
        pass
    assert token.read_text() not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_token_file_that_is_absent_or_empty_is_named(tmp_path):
    with pytest.raises(UserError, match="absent: the token cannot be read"):
        check_token(tmp_path / "absent")
    empty = tmp_path / "empty"
    empty.touch(mode=0o600)
    with pytest.raises(UserError, match="empty: the token file is empty"):
        check_token(empty)


def test_every_token_is_new_and_closed_to_others_from_the_first_moment(tmp_path):
    tokens = {new_token(tmp_path / "token").read_text() for _ in range(3)}  # an old file gives way
    assert len(tokens) == 3
    assert all(len(token) == 64 for token in tokens)
    assert check_token(tmp_path / "token").stat().st_mode & 0o777 == 0o600
