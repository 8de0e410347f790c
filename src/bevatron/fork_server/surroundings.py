"""What a process gets from its parent, and what of it must be the same in a job and in its template.

Only the standard library: a client reads it before anything is imported.
"""

import os
import resource
import sys
from typing import Any

VARIABLE = "BEVATRON_FORK_SERVER"  # the environment variable that names the server's socket
NAMESPACES = ("mnt", "net", "pid", "user")
# Differ from shell to shell, and no library reads them while it is imported.
PER_COMMAND = frozenset({"_", "SHLVL", "PWD", "OLDPWD", VARIABLE})


def fixed_surroundings() -> dict[str, Any]:
    """What no process of the server can change for a job: a job in which it differs starts by itself."""
    return {
        "python": [
            os.path.realpath(sys.executable),
            sys.prefix,
            list(sys.flags),
            sys.warnoptions,
            sorted(sys._xoptions),
        ],
        "package": os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
        "user": [os.getresuid(), os.getresgid(), sorted(os.getgroups())],
        "limits": [resource.getrlimit(kind) for kind in _limits()],
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "cores": sorted(os.sched_getaffinity(0)),
        "namespaces": [_link(f"/proc/self/ns/{name}") for name in NAMESPACES],
        "cgroup": _text("/proc/self/cgroup"),
    }


def environment_at_import(environment: dict[str, str]) -> dict[str, str]:
    """What of an environment a library may read while it is imported."""
    return {name: value for name, value in environment.items() if name not in PER_COMMAND}


def _limits() -> list[int]:
    return sorted({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")})


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
