"""A word from one process to others, on any node, through a file that all see."""

import time
from contextlib import suppress
from pathlib import Path

SECONDS = 1.0


class Flag:
    """A file whose content says whether the flag is raised.

    The file is there from the start: a network file system may believe for half a minute that a file is absent, but
    looks again at one that is opened. It is read every so many seconds at most.
    """

    def __init__(self, path: Path, every: float = SECONDS):
        self.path, self._every = path, every
        self._raised = False
        self._read = float("-inf")

    def clear(self) -> None:
        """Empty the file, and make its folder where there is none."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(b"")

    def set(self) -> None:
        """Raise the flag; on a full disk nobody is told."""
        with suppress(OSError):  # a full disk: then nobody is told, and all end without a farewell
            self.path.write_bytes(b"raised\n")

    def is_set(self) -> bool:
        """Whether the flag is raised, as read `every` seconds ago at most."""
        if not self._raised and time.monotonic() - self._read >= self._every:
            with suppress(OSError):
                self._raised = bool(self.path.read_bytes())
            self._read = time.monotonic()
        return self._raised
