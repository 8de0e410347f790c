"""The token that a Ray cluster asks of everybody who speaks to it."""

import importlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bevatron.compute.process.environment import environment
from bevatron.errors import UserError
from bevatron.regular_files import read_text

TOKEN_BYTES = 10_000  # of its file, at most


def new_token(path: Path) -> Path:
    """Write a fresh token of 256 bits into a file that only this user can read."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return path


def check_token(path: Path) -> Path:
    """The absolute path of somebody's token file; raises UserError where others can read it, or nobody."""
    try:
        state = path.stat()
        content = read_text(path, TOKEN_BYTES).strip()
    except (OSError, ValueError) as error:
        raise UserError(path, f"the token cannot be read ({error})", "name the cluster's token file") from None
    if stat.S_IMODE(state.st_mode) & 0o077:
        raise UserError(path, f"others can read the token (mode {stat.S_IMODE(state.st_mode):04o})", "chmod 600 it")
    if not content:
        raise UserError(path, "the token file is empty", "name the cluster's token file")
    return path.absolute()


@contextmanager
def token_authentication(path: Path) -> Iterator[None]:
    """Within it, Ray of this process and of its children asks for, and gives, the token in `path`."""
    try:
        with environment(RAY_ADDRESS=None, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=None, RAY_AUTH_TOKEN_PATH=str(path)):
            read_settings_again()
            yield
    finally:
        read_settings_again()


def read_settings_again() -> None:
    """Make Ray read its settings and token again: it remembers those of a process's first cluster, or of its import."""
    raylet = importlib.import_module("ray._raylet")
    with suppress(AttributeError):  # not a public interface
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()
