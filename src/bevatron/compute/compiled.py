"""Functions compiled to machine code by numba, which is kept for the next process."""

import hashlib
import inspect
import logging
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from bevatron.compute.private_folder import private_below

log = logging.getLogger("bevatron")


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` compiled when first called (numba.njit: IEEE arithmetic, one thread).

    The machine code is kept under $NUMBA_CACHE_DIR, else in the user's cache folder, and never in the package,
    which may be read-only. numba itself looks at the one source file of a function and not at those it calls, so
    each state of the sources in its folder has a place of its own: no stale code is ever run. Where nothing can
    be kept, every process compiles again.
    """
    import numba

    folder = _folder(_sources(Path(inspect.getfile(function)).parent))
    if folder is None:
        return _once(numba.njit(function))
    usual = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)  # read while decorating alone
    try:
        return _once(numba.njit(cache=True)(function))
    finally:
        numba.config.CACHE_DIR = usual


def _once(function: Any) -> Any:
    """Not compiled again for each constant that compiled callers pass: to numba a literal number is a type of its own.

    That was a third of the transport's compile time.
    """
    from numba.core.types import unliteral

    template = function.get_call_template

    def of_plain_types(args: tuple, kws: dict[str, Any]) -> Any:
        return template(tuple(map(unliteral, args)), {name: unliteral(kind) for name, kind in kws.items()})

    function.get_call_template = of_plain_types
    return function


@cache
def _sources(package: Path) -> str:
    """A digest of all modules of a folder."""
    digest = hashlib.sha256()
    for path in sorted(package.glob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


@cache
def _folder(name: str) -> Path | None:
    """Where machine code made from these sources is kept; None where nothing can be written, or others can."""
    import numba

    asked = numba.config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME")
    try:
        place = Path(asked) if asked else Path.home() / ".cache"
        folder = private_below(place, "bevatron", "compiled", name)
    except (OSError, RuntimeError):  # no such home, or a read-only one
        return None
    if folder is None:
        log.warning("%s: others can write there; compiled code is not kept (chmod go-w, or another place)", place)
        return None
    return folder if os.access(folder, os.W_OK) else None
