"""The jobs that the workflow consists of, as the studies ask for them, and which of their files are there."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bevatron.config.loading.rule_facts import StudyFacts
from bevatron.store.files.names import fold_manifest, fold_part, raw_shard, sample_shard, shard_number
from bevatron.watch.job_key import JobKey, item_of

SPLITS = ("train", "val", "test")
STAGES = (
    "simulate", "simulate_variation", "validate_source", "totals", "prepare", "prepare_variation", "manifest",
    "manifest_variation", "observables", "search", "train", "evaluate", "evaluate_variation", "report_study",
)  # fmt: skip
OF_SHARDS = ("simulate", "prepare", "simulate_variation", "prepare_variation")
FILES = {  # of the other stages; of a manifest with folds, and of a variation's evaluation, see below
    "search": "results/{study}/search/{item}/best.yaml",
    "train": "results/{study}/models/{item}/runs.json",
    "evaluate": "results/{study}/evaluation/{item}/metrics.json",
    "evaluate_variation": "results/{study}/variations/{variation}/evaluation/{model}/metrics.json",
    "validate_source": "results/{study}/evaluation/source.json",
    "totals": "results/{study}/totals.json",
    "manifest": "results/{study}/dataset/manifest.json",
    "manifest_variation": "results/{study}/variations/{item}/dataset/manifest.json",
    "observables": "results/{study}/evaluation/data.json",
    "report_study": "results/report/{study}/claims.json",
}
SETTLED_SECONDS = 2.0  # a folder changed later than this before it was read is read again: its time is that coarse


def jobs_of(facts: StudyFacts) -> dict[str, list[str]]:
    """For each stage, in order, the items it has jobs for, without what is made on demand alone."""
    shards = [shard_number(number) for number in range(facts.shards)]
    searched = [name for name, model in facts.models.items() if model.searched]
    varied_shards = [
        f"{name}/{shard_number(number)}"
        for name, variation in facts.variations.items()
        for number in range(variation.shards)
    ]
    items = {
        "simulate": shards,
        "simulate_variation": varied_shards,
        "validate_source": [""] if facts.validate_source else [],
        "totals": [""] if facts.totals else [],
        "prepare": shards,
        "prepare_variation": varied_shards,
        "manifest_variation": list(facts.variations),
        "search": searched,
        "train": training_items(facts),
        "evaluate": list(facts.models),
        "evaluate_variation": [f"{name}/{model}" for name in facts.variations for model in facts.models],
    }
    return {stage: found for stage in STAGES if (found := items.get(stage, [""]))}


def training_items(facts: StudyFacts) -> list[str]:
    """The models, of a cross-validation each with each fold."""
    folds: list[int | None] = list(range(facts.folds)) if facts.folds else [None]
    return [item_of(model, fold) for model in facts.models for fold in folds]


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

    def done(self, study: str, facts: StudyFacts, jobs: dict[str, list[str]]) -> Iterator[JobKey]:
        """The jobs of the study whose files are there."""
        results = self.folder / "results" / study
        parts = [fold_part(fold, part) for fold in range(facts.folds) for part in facts.fold_parts] or list(SPLITS)
        raw, dataset = {"": self._names(results / "raw")}, {"": self._names(results / "dataset")}
        for name in facts.variations:
            raw[name] = self._names(results / "variations" / name / "raw")
            dataset[name] = self._names(results / "variations" / name / "dataset")
        for stage, items in jobs.items():
            for item in items:
                if stage in OF_SHARDS:
                    variation, _, shard = item.rpartition("/")
                    if stage.startswith("simulate"):
                        there = raw_shard(int(shard)) in raw[variation]
                    else:
                        wanted = ["test"] if variation else parts
                        there = all(sample_shard(part, int(shard)) in dataset[variation] for part in wanted)
                else:
                    there = all(is_there(self.folder / path) for path in _files_of(stage, study, item, facts))
                if there:
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


def _files_of(stage: str, study: str, item: str, facts: StudyFacts) -> Iterator[str]:
    variation, _, model = item.partition("/")
    path = FILES[stage].format(study=study, item=item, variation=variation, model=model)
    yield path
    if stage == "manifest":
        yield from (str(Path(path).with_name(fold_manifest(fold))) for fold in range(facts.folds))


def is_there(path: Path) -> bool:
    """Whether there is anything of that name."""
    with suppress(OSError):
        os.stat(path)
        return True
    return False
