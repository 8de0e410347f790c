"""Whether published files are what they claim to be: shards against their manifest."""

import os
from functools import lru_cache
from pathlib import Path

from bevatron.errors import UserError
from bevatron.store.manifest import PREPARE_AGAIN, Manifest, ShardEntry, load_manifest
from bevatron.store.publish import sha256_of
from bevatron.store.shard import Shard, read_shard


def verify(path: Path) -> list[str]:
    """Every problem found, a line each; none for a sound manifest (or folder that holds one) or a sound
    shard.

    Of a manifest: each shard's presence, size, SHA-256 and attributes. Of a single shard: the whole contract,
    and its entry in the manifest beside it where there is one.
    """
    path = Path(path)
    if path.is_dir():
        path /= "manifest.json"
    problems: list[str] = []
    try:
        if path.suffix == ".json":
            manifest = load_manifest(path)
            checks = [(path.parent / e.file, e) for entries in manifest.splits.values() for e in entries]
        else:
            read_shard(path)
            beside = path.parent / "manifest.json"
            manifest = load_manifest(beside) if beside.is_file() else None
            entries = [e for es in manifest.splits.values() for e in es] if manifest else []
            checks = [(path, e) for e in entries if e.file == path.name]
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

    The SHA-256 of an unchanged file (same size and time of change) is computed once in a process.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise UserError(path, "is missing, though the manifest lists it", PREPARE_AGAIN) from None
    except OSError as error:
        raise UserError(path, f"cannot be read: {error.strerror}", "see whether you may read it") from None
    if status.st_size != entry.bytes:
        raise UserError(path, f"has {status.st_size} bytes, the manifest says {entry.bytes}", PREPARE_AGAIN)
    try:
        found = _sha256_of_unchanged(path, status.st_size, status.st_mtime_ns, status.st_ino)
    except OSError as error:
        raise UserError(path, f"cannot be read: {error.strerror}", "see whether you may read it") from None
    if found != entry.sha256:
        raise UserError(
            path,
            f"its SHA-256 is {found[:12]}..., the manifest says {entry.sha256[:12]}...: it was changed or damaged",
            PREPARE_AGAIN,
        )
    with Shard(path) as shard:
        attributes = shard.attributes
        digest, samples = attributes.get("digest"), attributes.get("n_samples")
        if digest != manifest.dataset_digest:
            raise UserError(
                path,
                f"carries the dataset digest {str(digest)[:12]}, the manifest {manifest.dataset_digest[:12]}",
                PREPARE_AGAIN,
            )
        if samples != entry.samples or len(shard) != entry.samples:
            raise UserError(path, f"holds {len(shard)} samples, the manifest says {entry.samples}", PREPARE_AGAIN)


@lru_cache(maxsize=65_536)
def _sha256_of_unchanged(path: Path, size: int, changed_ns: int, inode: int) -> str:
    return sha256_of(path)
