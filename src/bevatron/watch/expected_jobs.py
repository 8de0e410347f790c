"""The jobs that the workflow consists of, as the studies ask for them, and which of their files are there."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bevatron.config.loading.rule_facts import StudyFacts
from bevatron.store.files.names import shard_number
from bevatron.watch.snakemake_log import JobKey

SPLITS = ("train", "val", "test")
STAGES = (
    "simulate", "validate_source", "totals", "prepare", "manifest", "observables", "search", "train", "evaluate",
    "report_study",
)  # fmt: skip
OF_SHARDS = ("simulate", "prepare")
OF_MODELS = {
    "search": "results/{study}/search/{item}/best.yaml",
    "train": "results/{study}/models/{item}/runs.json",
    "evaluate": "results/{study}/evaluation/{item}/metrics.json",
}
OF_STUDIES = {
    "validate_source": "results/{study}/evaluation/source.json",
    "totals": "results/{study}/totals.json",
    "manifest": "results/{study}/dataset/manifest.json",
    "observables": "results/{study}/evaluation/data.json",
    "report_study": "results/report/{study}/claims.json",
}
SETTLED_SECONDS = 2.0  # a folder changed later than this before it was read is read again: its time is that coarse


def jobs_of(study: str, facts: StudyFacts) -> dict[str, list[str]]:
    """For each stage, in order, the items it has jobs for: numbers of shards, models, or '' of the study's one job."""
    shards = [shard_number(number) for number in range(facts.shards)]
    searched = [name for name, model in facts.models.items() if model.searched]
    items = {
        "simulate": shards,
        "validate_source": [""] if facts.validate_source else [],
        "totals": [""] if facts.totals else [],
        "prepare": shards,
        "search": searched,
        "train": list(facts.models),
        "evaluate": list(facts.models),
    }
    return {stage: found for stage in STAGES if (found := items.get(stage, [""]))}


@dataclass
class _Listing:
    """Names in a folder, as of its modification time."""

    changed: int = -1
    read: float = 0.0
    names: frozenset[str] = frozenset()


@dataclass
class DoneFiles:
    """Which jobs have their files, looked up in the file system as rarely as the answer allows.

    A folder of shards is listed only when its time of change is another than before, and the file of another job is
    looked for one by one: 20,000 shards cost two `stat` a look, and a study of 20 models sixty.
    """

    folder: Path
    _listings: dict[Path, _Listing] = field(default_factory=dict)

    def done(self, study: str, jobs: dict[str, list[str]]) -> Iterator[JobKey]:
        """The jobs of the study whose files are there."""
        raw, dataset = (self._names(self.folder / "results" / study / name) for name in ("raw", "dataset"))
        for stage, items in jobs.items():
            if stage == "simulate":
                yield from (JobKey(stage, study, item) for item in items if f"shard-{item}.h5" in raw)
            elif stage == "prepare":
                for item in items:
                    if all(f"{split}-{item}.h5" in dataset for split in SPLITS):
                        yield JobKey(stage, study, item)
            else:
                pattern = OF_MODELS.get(stage) or OF_STUDIES[stage]
                for item in items:
                    if _is_there(self.folder / pattern.format(study=study, item=item)):
                        yield JobKey(stage, study, item)

    def _names(self, folder: Path) -> frozenset[str]:
        listing = self._listings.setdefault(folder, _Listing())
        try:
            changed = os.stat(folder).st_mtime_ns
            if changed != listing.changed or listing.read - changed / 1e9 < SETTLED_SECONDS:
                now = time.time()
                self._listings[folder] = listing = _Listing(changed, now, frozenset(os.listdir(folder)))
        except OSError:
            self._listings[folder] = listing = _Listing()
        return listing.names


def _is_there(path: Path) -> bool:
    with suppress(OSError):
        os.stat(path)
        return True
    return False
