"""CMS NanoAOD files read in steps by uproot, every fault in one line."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from bevatron.errors import UserError
from bevatron.simulate.external.external_files import FileRange, too_few_events
from bevatron.simulate.external.nanoaod_step import EventStep
from bevatron.tables.root_file import open_root, root_faults

TREE = "Events"
STEP = 20_000  # events at a time
NEEDED_OF_VERTICES = ("pt", "eta", "phi", "mass", "dlen", "dlenSig")


def read_steps(part: FileRange, shard: int, branches: list[str], optional: Sequence[str] = ()) -> Iterator[EventStep]:
    """The part's events, up to 20,000 at a time, with the branches, and those optional ones that the file has.

    Raises UserError for a file that is no ROOT file, is cut short, has no TTree 'Events', no event, or lacks a
    branch.
    """
    skipped = read = 0
    for path, number in zip(part.files, part.numbers, strict=True):
        with root_faults(path, "give NanoAOD files"), open_root(path) as file:
            tree = _find_tree(file, path)
            available = tree.keys()
            if missing := [name for name in branches if name not in set(available)]:
                raise _missing_branches(path, missing, available)
            taken = list(dict.fromkeys([*branches, *(name for name in optional if name in available)]))
            first, last = max(part.first - skipped, 0), tree.num_entries
            if part.stop is not None:
                last = min(last, part.stop - skipped)
            skipped += tree.num_entries
            for start in range(first, last, STEP):
                stop = min(start + STEP, last)
                read += stop - start
                yield EventStep(_arrays(tree, taken, start, stop), path, number, start)
        if part.stop is not None and skipped >= part.stop:
            return
    if read == 0:
        raise too_few_events(part, shard, skipped, "events")


def _arrays(tree: Any, names: list[str], start: int, stop: int) -> Any:
    """Branches by their exact names: one given as text may be read as a formula."""
    wanted = set(names)
    return tree.arrays(filter_name=lambda name: name in wanted, entry_start=start, entry_stop=stop, library="ak")


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


def _missing_branches(path: Path, missing: list[str], available: list[str]) -> UserError:
    names = ", ".join(f"'{name}'" for name in missing)
    if "Jet_pt" not in available:
        return UserError(path, f"has no branch {names}: it is no NanoAOD file", "give NanoAOD files")
    if "Jet_hadronFlavour" in missing:
        return UserError(
            path, f"has no branch {names}: it is collision data, without the truth", "give simulated events"
        )
    todo = ""
    for name in missing:
        collection, _, feature = name.partition("_")
        known = [other.partition("_")[2] for other in available if other.startswith(f"{collection}_")]
        near = get_close_matches(feature, known, 1, 0.8)
        if near:
            todo += f"did you mean '{collection}_{near[0]}'? "
        elif collection == "SV":
            needed = feature in NEEDED_OF_VERTICES
            todo += "set simulation.source.vertices: false; " if needed else ""
            todo += "" if needed else f"leave {feature} out of simulation.source.vertex_features; "
    if any(name.startswith("SV_") for name in missing):
        todo += "NanoAOD has all branches of vertices since version 8; "
    todo += "give files of one NanoAOD version that has it, or change simulation.source"
    return UserError(path, f"has no branch {names}: another NanoAOD version than the study was written for", todo)
