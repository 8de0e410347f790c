"""Modules of the user's own: a project's sources, recipes, architectures and claim tests.

The workflow's configuration names their folder. It becomes the package `PACKAGE`, whose modules the registries search
beside Bevatron's own: `<folder>/<name>.py` registers the component `<name>`; other files there are for their imports.
What a module computes can change from one day to the next, so the digests of what it makes hold its code.
"""

import hashlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from bevatron.config.loading.code_text import code_without_comments, imported_modules
from bevatron.errors import UserError

PACKAGE = "bevatron_project"
TODO = "correct the module, or the key 'modules' of config.yaml"

_folder: Path | None = None
_sources: dict[str, bytes] = {}  # by module, as it was when it was imported or its digest was asked for
_forget: list[Callable[[], None]] = []  # what registries do when another project's modules are used


def use_modules(folder: Path | None, named_by: Path | str = "modules") -> None:
    """From now on, registries of this process find the modules in `folder`; None: no modules beside Bevatron's own.

    Raises UserError where there is no such folder, naming the file `named_by`. No module is imported yet.
    """
    global _folder
    folder = None if folder is None else folder.absolute()
    if folder == _folder:
        return
    if folder is not None and not folder.is_dir():
        raise UserError(named_by, f"modules: there is no folder {folder}", "make it, or take the key away")
    _folder = folder
    _sources.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    for forget in _forget:
        forget()
    if folder is not None:
        package = ModuleType(PACKAGE, "The project's modules.")
        package.__path__ = [str(folder)]
        package.__spec__ = ModuleSpec(PACKAGE, None, is_package=True)
        sys.modules[PACKAGE] = package
        if not any(isinstance(finder, _ModuleFinder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _ModuleFinder())


def when_replaced(forget: Callable[[], None]) -> None:
    """Call `forget` whenever other modules are used than before."""
    _forget.append(forget)


def module_names() -> list[str]:
    """The names of the project's modules, sorted; a name that begins with `_` is for the others' imports."""
    if _folder is None:
        return []
    names = [path.stem for path in _folder.glob("*.py") if path.is_file()]
    return sorted(name for name in names if name.isidentifier() and not name.startswith("_"))


def has_module(name: str) -> bool:
    """Whether the project has a module of that name."""
    return _folder is not None and name.isidentifier() and not name.startswith("_") and _file_of(name) is not None


def import_module(name: str) -> None:
    """Import a module of the project. Raises UserError, naming file and line, where that fails."""
    try:
        importlib.import_module(f"{PACKAGE}.{name}")
    except UserError:
        raise
    except SyntaxError as error:
        raise UserError(f"{error.filename}:{error.lineno}", f"is not Python: {error.msg}", TODO) from None
    except (Exception, SystemExit) as error:
        words = (str(error).strip().splitlines() or [""])[0]
        what = f"cannot be imported: {type(error).__name__}: {words}".removesuffix(": ")
        raise UserError(_place(error, name), what, TODO) from None


def is_project_component(component: Any) -> bool:
    """Whether a component (a class or function) is the project's own."""
    return component.__module__.partition(".")[0] == PACKAGE


def code_digests(*components: Any) -> dict[str, str]:
    """By module the SHA-256 of its code, of those modules in which the project's own components among `components` are
    written and of all that they import from the project; empty for Bevatron's own. Comments do not count.
    """
    names = {component.__module__ for component in components if is_project_component(component)}
    pending, digests = sorted(names), {}
    while pending:
        name = pending.pop()
        if name in digests or (source := _source_of(name)) is None:
            continue
        file = _file_of(name.partition(".")[2])
        code = code_without_comments(source)
        digests[name] = hashlib.sha256(code.encode()).hexdigest()
        is_package = file is not None and file.name == "__init__.py"
        pending += [other for other in imported_modules(code, name, is_package) if other.startswith(f"{PACKAGE}.")]
    return {name.partition(".")[2]: digest for name, digest in sorted(digests.items())}


def check_code(where: Path, recorded: Mapping[str, str], *components: Any) -> None:
    """Raises UserError where the code of the project's components is not the one that `recorded` names."""
    current = code_digests(*components)
    different = sorted(name for name in {*recorded, *current} if recorded.get(name) != current.get(name))
    if different:
        changed = ", ".join(f"{name}.py" for name in different)
        raise UserError(where, f"was made by other code: {changed} of the project's modules differs", "train it again")


def as_payload() -> dict[str, Any] | None:
    """What another process needs to use the same modules: the folder, and the code of what is imported here."""
    if _folder is None:
        return None
    sources = {name: hashlib.sha256(source).hexdigest() for name, source in sorted(_sources.items())}
    return {"folder": str(_folder), "sources": sources}


def use_payload(payload: Mapping[str, Any] | None) -> None:
    """Use the modules that `as_payload` described. Raises UserError where a file has changed since."""
    use_modules(None if payload is None else Path(payload["folder"]))
    for name, digest in (payload or {}).get("sources", {}).items():
        source = _source_of(name)
        if source is None or hashlib.sha256(source).hexdigest() != digest:
            what = f"the project's module {name.partition('.')[2]} has changed since this job started"
            raise UserError(_folder, what, "start the job again")


def files_of_modules() -> list[Path]:
    """All Python files in the folder and below, sorted; of these the facts about studies are kept."""
    return [] if _folder is None else sorted(_folder.rglob("*.py"))


def _file_of(dotted: str) -> Path | None:
    """The file of a module, by its name in the package."""
    if _folder is None:
        return None
    path = _folder.joinpath(*dotted.split("."))
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.is_file():
            return file
    return None


def _source_of(name: str) -> bytes | None:
    """What is imported, or would be; None where there is no such module."""
    if name not in _sources and (file := _file_of(name.partition(".")[2])) is not None:
        _sources[name] = file.read_bytes()
    return _sources.get(name)


def _place(error: BaseException, name: str) -> str:
    """The last line of the project's own code that led to the error."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _folder is not None and Path(frame.filename).is_relative_to(_folder):
            return f"{frame.filename}:{frame.lineno}"
    return str(_file_of(name) or name)


class _ModuleLoader(SourceFileLoader):
    """Imports the bytes that `_source_of` keeps, so that a digest is that of the code that runs. Compiled code is not
    kept: Python's own check of it misses a change of equal length within a second.
    """

    def get_code(self, fullname: str) -> Any:
        source = _source_of(fullname)
        return None if source is None else self.source_to_code(source, self.path)


class _ModuleFinder:
    """Finds the modules of the package."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        package, _, name = fullname.partition(".")
        if package != PACKAGE or not name or (file := _file_of(name)) is None:
            return None
        folders = [str(file.parent)] if file.name == "__init__.py" else None
        loader = _ModuleLoader(fullname, str(file))
        return importlib.util.spec_from_file_location(fullname, file, loader=loader, submodule_search_locations=folders)
