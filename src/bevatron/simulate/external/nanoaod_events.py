"""CMS NanoAOD files read in steps by uproot, every fault in one line."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bevatron.errors import UserError
from bevatron.regular_files import open_regular
from bevatron.simulate.external.external_files import FileRange, missing_package, too_few_events
from bevatron.system_errors import system_fault

TREE = "Events"
STEP = 20_000  # events at a time


def read_steps(part: FileRange, shard: int, branches: list[str]) -> Iterator[tuple[int, Any]]:
    """The part's events, up to 20,000 at a time: the file's number, and an awkward array of the branches.

    Raises UserError for a file that is no ROOT file, is cut short, has no TTree 'Events', no event, or lacks a
    branch.
    """
    skipped = read = 0
    for path, number in zip(part.files, part.numbers, strict=True):
        with _report_faults(path), _open(path) as file:
            tree = _find_tree(file, path)
            available = set(tree.keys())
            if missing := [name for name in branches if name not in available]:
                raise _missing_branches(path, missing, available)
            first, last = max(part.first - skipped, 0), tree.num_entries
            if part.stop is not None:
                last = min(last, part.stop - skipped)
            skipped += tree.num_entries
            for start in range(first, last, STEP):
                stop = min(start + STEP, last)
                read += stop - start
                yield number, tree.arrays(branches, entry_start=start, entry_stop=stop, library="ak")
        if part.stop is not None and skipped >= part.stop:
            return
    if read == 0:
        raise too_few_events(part, shard, skipped, "events")


def _open(path: Path) -> Any:
    try:
        import uproot
    except ImportError:
        raise missing_package("uproot", "ROOT files") from None
    return uproot.open(path)


def _find_tree(file: Any, path: Path) -> Any:
    kinds = file.classnames()
    classes = {name.partition(";")[0]: kind for name, kind in kinds.items()}
    if TREE not in classes:
        names = ", ".join(sorted(classes)) or "nothing"
        raise UserError(
            path, f"has no tree '{TREE}', so it is no NanoAOD file; it holds: {names}", "give NanoAOD files"
        )
    if classes[TREE] != "TTree":
        raise UserError(path, f"holds '{TREE}' as {classes[TREE]}, which is not read here", "convert it to a TTree")
    tree = file[TREE]
    if tree.num_entries == 0:
        raise UserError(path, "holds no event", "take it out of the files")
    return tree


def _missing_branches(path: Path, missing: list[str], available: set[str]) -> UserError:
    names = ", ".join(f"'{name}'" for name in missing)
    if "Jet_pt" not in available:
        return UserError(path, f"has no branch {names}: it is no NanoAOD file", "give NanoAOD files")
    if "Jet_hadronFlavour" in missing:
        return UserError(
            path, f"has no branch {names}: it is collision data, without the truth", "give simulated events"
        )
    todo = "give files of one NanoAOD version that has it, or change simulation.source"
    return UserError(path, f"has no branch {names}: another NanoAOD version than the study was written for", todo)


@contextmanager
def _report_faults(path: Path) -> Iterator[None]:
    """Every way in which uproot fails to read a file, as one UserError that names it."""
    try:
        yield
    except UserError:
        raise
    except (OSError, ValueError, KeyError, EOFError, IndexError, AssertionError, struct.error, zlib.error) as error:
        if fault := system_fault(error, path):
            raise fault from None
        with open_regular(path) as file:
            foreign = file.read(4) != b"root"
        if foreign:
            raise UserError(path, "is no ROOT file", "give NanoAOD files") from None
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(path, f"is cut short or damaged: {reason}", "fetch it again") from None
    except NotImplementedError as error:
        raise UserError(path, f"is written in a way that uproot does not read: {error}", "write it again") from None
