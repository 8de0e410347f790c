"""Folders in places that others can write to: used where they are this user's own, and nobody else's."""

import os
import stat
from pathlib import Path


def is_private(folder: Path) -> bool:
    """Whether `folder` is a folder of this user's, no link, that nobody else can write to. Raises OSError if absent."""
    state = os.lstat(folder)
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o022


def make_private_folder(parent: Path, *names: str) -> Path | None:
    """The folder `parent`/`names`..., made where it is missing; None where one of `names` is not private.

    `parent` is the user's choice, and may be one that everybody can write to, as /tmp. Raises OSError where nothing can
    be made.
    """
    parent.mkdir(parents=True, exist_ok=True)
    state = os.stat(parent)
    if state.st_mode & 0o022 and not state.st_mode & stat.S_ISVTX:
        return None  # others can put their own folders in the place of ours
    if state.st_uid not in (0, os.getuid()):
        return None
    folder = parent
    for name in names:
        folder = folder / name
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            if not is_private(folder):
                return None
    return folder
