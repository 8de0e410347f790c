"""Functions compiled to machine code by numba, which is kept for the next process."""

import ast
import hashlib
import inspect
import logging
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from bevatron.compute.process.private_folder import make_private_folder

log = logging.getLogger("bevatron")


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` compiled when first called (numba.njit: IEEE arithmetic, one thread).

    It is called from Python and from other compiled functions, and never handed on as a value: the wrapper for that
    would be a fifteenth of the compile time.

    The machine code is kept under $NUMBA_CACHE_DIR, else in the user's cache folder, and never in the package,
    which may be read-only. numba itself checks only the source file of the function and not those of the functions that
    it calls. Each state of the module and of everything that it imports from its own package has a place of its own, so
    no stale code is ever run. Where nothing can be kept, every process compiles again.
    """
    import numba

    options: dict[str, Any] = {"no_cfunc_wrapper": True}
    folder = _folder(_sources(Path(inspect.getfile(function)).resolve()))
    if folder is None:
        return _adapt(numba.njit(**options)(function))
    settings = _numba_settings()
    configured = settings.CACHE_DIR
    settings.CACHE_DIR = str(folder)  # read while decorating alone
    try:
        return _adapt(numba.njit(cache=True, **options)(function))
    finally:
        settings.CACHE_DIR = configured


def _numba_settings() -> Any:
    """Numba's settings: a module whose names are set while it is imported, so that no type checker knows them."""
    from numba.core import config

    return config


def _adapt(function: Any) -> Any:
    """What numba does by default and costs more than it brings here, for this function alone.

    It compiles again for each constant that compiled callers pass, as to numba a literal number is a type of its own:
    a third of the transport's compile time. And it first loads every package that teaches numba types of its own:
    vector, which comes with fastjet, and sympy with it, half a second in each process, though our functions take plain
    arrays. Functions of others, which are not compiled here, still find them.
    """
    from numba.core import entrypoints
    from numba.core.types import unliteral

    template = function.get_call_template

    def of_plain_types(args: tuple, kws: dict[str, Any]) -> Any:
        return template(tuple(map(unliteral, args)), {name: unliteral(kind) for name, kind in kws.items()})

    function.get_call_template = of_plain_types
    compile_or_load = function.compile

    def without_other_types(signature: Any) -> Any:
        loaded, entrypoints._already_initialized = entrypoints._already_initialized, True
        try:
            return compile_or_load(signature)
        finally:
            entrypoints._already_initialized = loaded

    function.compile = without_other_types
    function._compilation_chain_init_hook = lambda: None
    return function


@cache
def _sources(module: Path) -> str:
    """A digest of a module and of all modules of its package that it imports, directly or through others."""
    package = module.parent
    while (package.parent / "__init__.py").is_file():
        package = package.parent
    modules: set[Path] = set()
    remaining = [module]
    while remaining:
        path = remaining.pop()
        if path not in modules:
            modules.add(path)
            remaining += _imported_modules(path, package)
    digest = hashlib.sha256()
    for path in sorted(modules):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(package)} {len(content)} ".encode() + content)
    return digest.hexdigest()[:16]


@cache
def _imported_modules(path: Path, package: Path) -> tuple[Path, ...]:
    """The modules of `package` that the module at `path` imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parents = path.parents[node.level - 1].relative_to(package.parent).parts if node.level else ()
            base = ".".join([*parents, *([node.module] if node.module else [])])
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    candidates = [package.parent.joinpath(*name.split(".")) for name in names if name.split(".")[0] == package.name]
    files = [file for candidate in candidates for file in (candidate.with_suffix(".py"), candidate / "__init__.py")]
    return tuple(sorted(file for file in files if file.is_file()))


@cache
def _folder(name: str) -> Path | None:
    """Where machine code made from these sources is kept; None where nothing can be written, or others can."""
    requested = _numba_settings().CACHE_DIR or os.environ.get("XDG_CACHE_HOME")
    try:
        parent = Path(requested) if requested else Path.home() / ".cache"
        folder = make_private_folder(parent, "bevatron", "compiled", name)
    except (OSError, RuntimeError):  # no such home, or a read-only one
        return None
    if folder is None:
        log.warning("%s: others can write there; compiled code is not kept (chmod go-w, or another place)", parent)
        return None
    return folder if os.access(folder, os.W_OK) else None
