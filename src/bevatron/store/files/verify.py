"""Whether published files are what they claim to be: shards against their manifest."""

from functools import lru_cache
from pathlib import Path

from bevatron.errors import UserError
from bevatron.regular_files import is_folder, is_there, require_regular
from bevatron.store.files.publish import sha256_of
from bevatron.store.shards.manifest import PREPARE_AGAIN, Manifest, ShardEntry, load_manifest
from bevatron.store.shards.shard import Shard, read_shard


def verify(path: Path) -> list[str]:
    """Every problem found, a line each; none for a sound manifest (or folder that holds one) or a sound
    shard.

    Of a manifest: each shard's presence, size, SHA-256 and attributes. Of a single shard: the whole contract,
    and its entry in the manifest beside it where there is one.
    """
    path = Path(path)
    problems: list[str] = []
    try:
        if is_folder(path):
            path /= "manifest.json"
        if path.suffix == ".json":
            manifest = load_manifest(path)
            checks = [(path.parent / e.file, e) for entries in manifest.splits.values() for e in entries]
        else:
            read_shard(path)
            beside = path.parent / "manifest.json"
            if not is_there(beside):
                return []
            manifest = load_manifest(beside)
            checks = [(path, e) for entries in manifest.splits.values() for e in entries if e.file == path.name]
    except UserError as error:
        return [str(error)]
    for shard, entry in checks:
        try:
            check_shard(shard, entry, manifest)
        except UserError as error:
            problems.append(str(error))
    return problems


def check_shard(path: Path, entry: ShardEntry, manifest: Manifest) -> None:
    """Raises UserError unless the shard is the one that the manifest lists.

    A file that has not changed since (same size, time of change and inode) is read once in a process.
    """
    try:
        status = require_regular(path)
    except FileNotFoundError:
        raise UserError(path, "is missing, though the manifest lists it", PREPARE_AGAIN) from None
    if status.st_size != entry.bytes:
        raise UserError(path, f"has {status.st_size} bytes, the manifest says {entry.bytes}", PREPARE_AGAIN)
    unchanged = (status.st_mtime_ns, status.st_ino)
    _check_content(path, unchanged, entry.sha256, manifest.dataset_digest, entry.samples)


@lru_cache(maxsize=1 << 19)  # remembers what passed; a refusal is raised, and not remembered
def _check_content(path: Path, unchanged: tuple[int, int], sha256: str, digest: str, samples: int) -> None:
    actual_sha256 = sha256_of(path)
    if actual_sha256 != sha256:
        raise UserError(
            path,
            f"its SHA-256 is {actual_sha256[:12]}..., the manifest says {sha256[:12]}...: it was changed or damaged",
            PREPARE_AGAIN,
        )
    with Shard(path) as shard:
        carried, length = shard.attributes.get("digest"), len(shard)
    if carried != digest:
        raise UserError(
            path, f"carries the dataset digest {str(carried)[:12]}, the manifest {digest[:12]}", PREPARE_AGAIN
        )
    if length != samples:
        raise UserError(path, f"holds {length} samples, the manifest says {samples}", PREPARE_AGAIN)
