"""Files from which a process has loaded its modules, to see whether they have been changed since."""

import os
import stat
import sys
import time
from dataclasses import dataclass
from typing import Any

State = tuple[Any, ...]


@dataclass(frozen=True)
class LoadedFiles:
    """States by path: of a file its modification time in ns, size and inode; of a folder the names of its modules."""

    states: dict[str, State]

    @classmethod
    def of_this_process(cls, since_ns: int) -> "LoadedFiles":
        """Of all modules that are loaded now, and of Bevatron's folders, where a new file may be a new component.

        A file that was changed after `since_ns`, when the loading began, counts as changed.
        """
        modules = [module for module in list(sys.modules.values()) if module is not None]
        files = {getattr(module, "__file__", None) or "" for module in modules}
        states = {path: _state(path) for path in files if os.path.isabs(path)}
        now = time.time_ns()
        for path, (modified, *_) in states.items():
            if since_ns <= modified <= now:
                states[path] = ("changed while it was loaded",)
        for module in modules:
            if module.__name__.partition(".")[0] == "bevatron":
                states |= {path: _state(path) for path in map(os.path.abspath, getattr(module, "__path__", ()))}
        return cls(states)

    def are_unchanged(self) -> bool:
        """Whether all files and folders are as they were."""
        return all(_state(path) == state for path, state in self.states.items())

    def as_payload(self) -> dict[str, list[Any]]:
        """Plain values."""
        return {path: list(state) for path, state in self.states.items()}

    @classmethod
    def from_payload(cls, payload: dict[str, list[Any]]) -> "LoadedFiles":
        """From what as_payload gave."""
        return cls({path: tuple(state) for path, state in payload.items()})


def _state(path: str) -> State:
    try:
        state = os.stat(path)
        if stat.S_ISDIR(state.st_mode):
            return tuple(sorted(name for name in os.listdir(path) if name != "__pycache__"))
    except OSError:
        return ("missing",)
    return (state.st_mtime_ns, state.st_size, state.st_ino)
