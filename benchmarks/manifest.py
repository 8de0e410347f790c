"""The manifest job at scale: time beside reading, and memory of the whole process.

    python benchmarks/manifest.py [--shards 10000] [--samples 10000] [--files 1000]

- synthetic: shards of jets with lists of tracks (16 features of a jet, 28 of each of about 5 tracks) go through all
  that `bevatron manifest` does but opening, decompressing and hashing files: the contract's checks, agreement, counts,
  ids, statistics, and the manifest's own file, written and loaded again. Ids overlap everywhere: each shard's are
  spread from 0 to 2^64, the worst case of the search for repeated ones.
- files: real shards of few samples, a quarter of them and all of them, by `build_manifest`: the files a second may not
  fall with their number.

Each part runs in a process of its own, whose peak memory is the system's (imports and all).
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

HERE = Path(__file__).parent
SPLITS = {"train": 0.8, "val": 0.1, "test": 0.1}
CLASSES = ["light", "charm", "beauty"]
SECONDS, GIGABYTES = 120.0, 1.0
PROTOTYPES = 4  # shards whose numbers are used in turns; drawing them takes longer than all that is measured
NAME = "manifest of {:,} shards of {:,} jets"


def main(shards: int = 10_000, samples: int = 10_000, files: int = 1_000) -> list[dict]:
    """Rows of time and memory with their limits, and of files a second with all files and with a quarter of them."""
    from readers import row

    found = in_a_process("synthetic", shards, samples)
    few, many = in_a_process("from_files", files // 4), in_a_process("from_files", files)
    name = NAME.format(shards, samples)
    return [
        {"name": f"{name}, beside reading", "seconds": found["seconds"], "limit": SECONDS},
        {"name": f"{name}, peak memory", "seconds": found["gigabytes"], "limit": GIGABYTES, "unit": "GB"},
        {"name": f"{name}, loading it", "seconds": found["loading"], "limit": 10.0},
        row(f"manifest of {3 * files:,} files against {3 * (files // 4):,}", many["rate"], few["rate"], 0.8),
    ]


def in_a_process(part: str, *arguments: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        call = f"{part}({folder!r}, {', '.join(map(str, arguments))})"
        code = f"import json; from manifest import {part}; print('FOUND', json.dumps({call}))"
        done = subprocess.run([sys.executable, "-c", code], cwd=HERE, stdout=subprocess.PIPE, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    return json.loads(line.removeprefix("FOUND "))


def synthetic(folder: str, shards: int, samples: int) -> dict:
    import numpy as np

    from bevatron.store.files.names import sample_shard
    from bevatron.store.shards.build_manifest import Builder, elements_of
    from bevatron.store.shards.contract import GroupInfo, TargetInfo
    from bevatron.store.shards.distinct import DistinctIds
    from bevatron.store.shards.manifest import ShardEntry, load_manifest, write_manifest

    study = study_of(shards)
    attributes = attributes_of(study)
    taken, first, folder = 0.0, 0, Path(folder)
    entries: dict[str, list[ShardEntry]] = {split: [] for split in SPLITS}
    with DistinctIds(folder, None) as ids:
        builder = Builder(study, ids)
        for split, fraction in SPLITS.items():
            n = int(samples * fraction)
            prototypes = [jets(n, np.random.default_rng(i)) for i in range(PROTOTYPES)]
            for number in range(shards):
                numbers = np.arange(first, first + n, dtype=np.uint64)
                first += n
                shard = with_ids(prototypes[number % PROTOTYPES], overlapping(numbers), attributes)
                groups, targets = described(shard, GroupInfo, TargetInfo)
                path = folder / sample_shard(split, number)
                start = perf_counter()
                counts = builder.include(path, split, shard, groups, targets)
                entry = ShardEntry(
                    file=path.name,
                    sha256="0" * 64,
                    bytes=n,
                    samples=n,
                    class_counts=counts,
                    elements=elements_of(shard),
                )
                entries[split].append(entry)
                taken += perf_counter() - start
        start = perf_counter()
        ids.finish()
    write_manifest(folder / "manifest.json", builder.manifest(entries))
    taken += perf_counter() - start
    gigabytes = peak()
    start = perf_counter()
    load_manifest(folder / "manifest.json")
    return {"seconds": taken, "gigabytes": gigabytes, "loading": perf_counter() - start}


def from_files(folder: str, shards: int, samples: int = 100) -> dict:
    import numpy as np

    from bevatron.store.files.names import sample_shard
    from bevatron.store.shards.build_manifest import build_manifest
    from bevatron.store.shards.shard import write_shard

    study, first, random = study_of(shards), 0, np.random.default_rng(1)
    attributes = attributes_of(study)
    for number in range(shards):
        for split, fraction in SPLITS.items():
            n = int(samples * fraction)
            numbers = np.arange(first, first + n, dtype=np.uint64)
            first += n
            shard = with_ids(jets(n, random), overlapping(numbers))
            write_shard(Path(folder) / sample_shard(split, number), shard, attributes)
    start = perf_counter()
    build_manifest(Path(folder), study)
    seconds = perf_counter() - start
    return {"rate": 3 * shards / seconds, "gigabytes": peak()}


def jets(n: int, random):
    import numpy as np

    from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

    lengths = random.poisson(5, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    tracks = random.normal(size=(int(offsets[-1]), 28)).astype(np.float32)
    values = random.normal(size=(n, 16)).astype(np.float32)
    groups = {
        "jets": Group(Dense(values), tuple(f"feature_{i}" for i in range(16)), ("1",) * 16),
        "tracks": Group(Ragged(tracks, offsets), tuple(f"feature_{i}" for i in range(28)), ("1",) * 28),
    }
    return Samples(groups, {"flavour": np.arange(n) % 3}, np.arange(n, dtype=np.uint64))


def with_ids(samples, ids, attributes=None):
    from dataclasses import replace

    return replace(samples, id=ids, attributes=attributes or {})


def overlapping(numbers):
    """Distinct ids all over the range of 64 bits: multiplication by an odd number is one to one."""
    import numpy as np

    return numbers * np.uint64(0x9E3779B97F4A7C15)


def described(samples, group_info, target_info) -> tuple[dict, dict]:
    """What a shard's file would say of its groups and targets."""
    groups = {}
    for name, group in samples.inputs.items():
        ragged = hasattr(group.column, "offsets")
        groups[name] = group_info(
            layout="ragged" if ragged else "dense",
            dtype="float32",
            shape=(len(group.features),),
            features=group.features,
            units=group.units,
            max_length=int(group.column.lengths.max(initial=0)) if ragged else None,
        )
    return groups, {"flavour": target_info(dtype="int64", shape=())}


def study_of(shards: int):
    """The part of a study that the command reads: no network, and so no torch."""
    from bevatron.config.sections.data_part import DataPart

    return DataPart.model_validate(
        {
            "name": "jets",
            "title": "jets",
            "summary": "numbers for a benchmark",
            "simulation": {"source": {"kind": "jets"}, "shards": shards, "seed": 1},
            "dataset": {"recipe": {"kind": "jets"}},
            "task": {"kind": "classification", "target": "flavour", "classes": CLASSES, "signal": "beauty"},
        }
    )


def attributes_of(study) -> dict:
    from bevatron.config.loading.code_versions import version_attributes
    from bevatron.config.loading.identity import dataset_digest

    return {
        "study": study.name,
        "source": "jets",
        "recipe": "jets",
        **version_attributes(study),
        "versions": {},
        "digest": dataset_digest(study),
        "seed": 1,
        "classes": CLASSES,
    }


def peak() -> float:
    """The largest memory of this process so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=int, default=10_000, help="synthetic shards")
    parser.add_argument("--samples", type=int, default=10_000, help="samples of each, of all splits")
    parser.add_argument("--files", type=int, default=1_000, help="shards written as files, three each")
    arguments = parser.parse_args()
    for line in main(arguments.shards, arguments.samples, arguments.files):
        print(json.dumps(line))
