"""The places that jobs write to: shared by the nodes, with locks that hold, large enough."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bevatron.compute.ray.ray_folder import SOCKET_PATH_LIMIT, SOCKET_PATH_TAIL, base_folder
from bevatron.doctor.case import Case
from bevatron.doctor.finding import Finding, bad, good, note
from bevatron.errors import UserError
from bevatron.system_errors import NO_LOCKS

IN_MEMORY = ("tmpfs", "ramfs", "devtmpfs")
SHARED = ("nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "wekafs", "panfs", "pvfs2", "orangefs", "cifs")
LOCAL_LOCKS = ("localflock", "nolock", "local_lock=all", "local_lock=flock")
GB = 1e9


def mount_of(path: Path, mounts: Path = Path("/proc/mounts")) -> tuple[str, str, list[str]]:
    """Where the file system of `path` is mounted, its type, and its options."""
    path = path.resolve()
    mount = ("/", "unknown", [])
    for line in mounts.read_text(errors="replace").splitlines():
        fields = line.split()
        if len(fields) < 4:
            continue
        point = fields[1].encode().decode("unicode_escape")  # a space stands there as \040
        if path.is_relative_to(point) and len(point) >= len(mount[0]):
            mount = (point, fields[2], fields[3].split(","))
    return mount


def check_shared(case: Case) -> Iterator[Finding]:
    """Nodes must see the same files. What a mount's type does not tell, `--probe` does."""
    for folder in case.folders:
        point, kind, _ = mount_of(folder)
        what = f"file system of {folder}"
        if kind in IN_MEMORY:
            yield bad(what, f"{kind}: in this machine's memory alone", "work in a folder that the nodes share")
        elif kind in SHARED or kind.startswith("fuse."):
            yield good(what, f"{kind}, mounted at {point}")
        else:
            yield note(what, f"{kind}, a disk of this machine", "see with --probe whether the nodes have it too")


def check_locks(case: Case) -> Iterator[Finding]:
    """Two processes must never work in one live folder, which flock sees to."""
    for folder in case.folders:
        what = f"locks in {folder}"
        _, _, options = mount_of(folder)
        local = [option for option in options if option in LOCAL_LOCKS]
        try:
            exclusive = _lock_holds(folder)
        except OSError as error:
            if error.errno in NO_LOCKS:
                yield bad(what, "flock is not supported", "mount it with flock (Lustre: -o flock), or work elsewhere")
            else:
                yield bad(what, f"no file can be made there: {error.strerror}", "fix the folder, or work elsewhere")
            continue
        if not exclusive:
            yield bad(what, "a lock is given twice", "work in a folder on another file system")
        elif local:
            yield note(what, f"hold on one node alone ({local[0]})", "never start one workflow from two machines")
        else:
            yield good(what, "hold")


def check_disk(case: Case) -> Iterator[Finding]:
    """Whether the folders of results and live state have enough free disk."""
    for folder in case.folders:
        free = shutil.disk_usage(folder).free / GB
        text = f"{free:,.1f} GB, {case.need_gb:g} GB are asked for"
        if free < case.need_gb:
            yield bad(f"free disk in {folder}", text, "make room, work elsewhere, or state another need by --need-gb")
        else:
            yield good(f"free disk in {folder}", text)


def check_cache(case: Case) -> Iterator[Finding]:
    """Snakemake makes a cache folder in the user's home, which compute nodes and containers may not have."""
    try:
        from platformdirs import user_cache_dir
    except ImportError:  # comes with Snakemake, of whose absence `software.check_packages` tells
        return
    folder, what = Path(user_cache_dir("snakemake", "snakemake")), "Snakemake's cache folder"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield bad(what, f"{folder}: {error.strerror}", "export XDG_CACHE_HOME=FOLDER, with one that can be written")
    else:
        yield good(what, str(folder))


def check_temporary(case: Case) -> Iterator[Finding]:
    """Ray's sockets lie below the temporary folder, and their names may not be long."""
    named = tempfile.gettempdir()
    longest = SOCKET_PATH_LIMIT - SOCKET_PATH_TAIL
    try:
        base = str(base_folder())
    except UserError as error:
        yield bad("temporary folder", f"{error.where}: {error.what}", f"set TMPDIR to at most {longest} characters")
        return
    if base == named:
        yield good("temporary folder", f"{named}, {len(named)} of at most {longest} characters")
    else:
        yield note("temporary folder", f"{named} is longer than {longest} characters; Ray takes {base}")


def _lock_holds(folder: Path) -> bool:
    """Whether a second open file is refused a lock that a first one has. Raises OSError where there are no locks."""
    number, name = tempfile.mkstemp(prefix=".bevatron-doctor-", dir=folder)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with open(name) as second:
            try:
                fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False
    finally:
        os.close(number)
        with suppress(OSError):
            os.unlink(name)
