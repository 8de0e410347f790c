"""How long the workflow will still take: measured times of its jobs, and the measured rates of `bevatron plan`."""

import csv
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bevatron.config.loading.rule_facts import StudyFacts
from bevatron.errors import UserError
from bevatron.plan.rates import FORWARD, Rates, StudyRates, load_rates
from bevatron.regular_files import read_text
from bevatron.store.files.names import fold_manifest, shard_number
from bevatron.watch.expected_jobs import OF_SHARDS, training_items
from bevatron.watch.job_key import VARIATION, JobKey
from bevatron.watch.live_json import number, read_live
from bevatron.watch.live_runs import RUNNING, LiveRuns
from bevatron.watch.snakemake_log import FINISHED, SnakemakeLog

BENCHMARK_BYTES, MANIFEST_BYTES = 1 << 16, 1 << 25
FIRST_SHARD = shard_number(0)


@dataclass(frozen=True)
class TimeLeft:
    """Wall time in seconds; `unknown` counts the jobs that are not in it, for want of a measured rate."""

    seconds: float
    unknown: int


class Estimates:
    """Expected times of jobs: from this run, from an earlier run of the same job, or from measured rates.

    results: the folder of results; rates_file: that of `bevatron plan --measure`. Each benchmark and manifest is read
    once.
    """

    def __init__(self, results: Path, rates_file: Path, scale: str):
        self._results, self._scale = results, scale
        self._rates = Rates()
        with suppress(UserError, OSError, ValueError):
            self._rates = load_rates(rates_file)
        self._benchmarks: dict[JobKey, float | None] = {}
        self._samples: dict[str, dict[str, int]] = {}
        self._with_manifest: set[str] = set()  # studies whose dataset is there

    def seconds(self, key: JobKey, facts: StudyFacts, log: SnakemakeLog | None) -> float | None:
        """How long the job takes from its start to its end; None where nothing like it was measured."""
        here = None if log is None else log.mean_seconds(key.rule, key.study)
        if key.rule in OF_SHARDS and here is not None:
            return here
        own = self._benchmark(key)
        if own is not None:
            return own
        planned = self._of_other_folds(key, facts, log)
        if planned is None:
            nominal = key.nominal
            planned = self._from_rates(key, facts) if nominal is None else self.seconds(nominal, facts, log)
        return here if planned is None else planned

    def _of_other_folds(self, key: JobKey, facts: StudyFacts, log: SnakemakeLog | None) -> float | None:
        """The mean time of the model's trainings on other folds: in this run, else in earlier ones."""
        if key.rule != "train" or not facts.folds:
            return None
        alike = [JobKey("train", key.study, item) for item in training_items(facts)]
        alike = [other for other in alike if other.model == key.model and other != key]
        jobs = [log.jobs[other] for other in alike if other in log.jobs] if log is not None else []
        seconds = [
            job.ended - job.started
            for job in jobs
            if job.state == FINISHED and job.ended is not None and job.started is not None
        ]
        seconds = seconds or [found for other in alike if (found := self._benchmark(other)) is not None]
        return sum(seconds) / len(seconds) if seconds else None

    def left(
        self,
        study: str,
        facts: StudyFacts,
        jobs: dict[str, frozenset[JobKey]],
        done: set[JobKey],
        log: SnakemakeLog | None,
        runs: LiveRuns,
        now: float,
    ) -> tuple[float, float, int]:
        """Of a study: seconds of all jobs that are not done one after the other; of the longest chain of jobs that wait
        for one another; and how many jobs are in neither.
        """
        if JobKey("manifest", study) in done:
            self._with_manifest.add(study)
        total, unknown = 0.0, 0
        longest: dict[str, dict[str, float]] = {}  # of each stage's jobs that are left, by model
        for stage, keys in jobs.items():
            remaining = keys - done
            of_stage = longest.setdefault(stage, {})
            if stage in OF_SHARDS:  # one shard is like another
                for variation, n in _by_variation(stage, remaining).items():
                    item = f"{variation}/{FIRST_SHARD}" if variation else FIRST_SHARD
                    seconds = self.seconds(JobKey(stage, study, item), facts, log)
                    if seconds is None:
                        unknown += n
                    else:
                        total += seconds * n
                        of_stage[""] = max(of_stage.get("", 0.0), seconds)
                continue
            for key in remaining:
                seconds = self._remaining(key, facts, log, runs, now)
                if seconds is None:
                    unknown += 1
                    continue
                total += seconds
                of_stage[key.model] = max(of_stage.get(key.model, 0.0), seconds)
        return total, longest_chain(longest, list(facts.models)), unknown

    def _remaining(
        self, key: JobKey, facts: StudyFacts, log: SnakemakeLog | None, runs: LiveRuns, now: float
    ) -> float | None:
        if key.rule == "train" and (seconds := _training_left(key, facts, runs)) is not None:
            return seconds
        if key.rule == "search" and (seconds := _search_left(key, runs)) is not None:
            return seconds
        expected = self.seconds(key, facts, log)
        job = None if log is None else log.jobs.get(key)
        if expected is None or job is None or job.state != "started" or job.started is None:
            return expected
        return max(0.0, expected - (now - job.started))

    def _benchmark(self, key: JobKey) -> float | None:
        """Of an earlier run of the same job, by Snakemake's own measurement."""
        if key not in self._benchmarks:
            before, _, last = key.item.rpartition("/")
            item = Path(before, f"shard-{last}").as_posix() if key.rule in OF_SHARDS else key.item
            name = f"{key.study}/{item}" if item else key.study
            rule = key.rule.removesuffix(VARIATION)
            found = None
            with suppress(OSError, ValueError, KeyError, IndexError, UserError):
                text = read_text(self._results / "benchmarks" / rule / f"{name}.tsv", BENCHMARK_BYTES)
                found = float(list(csv.DictReader(text.splitlines(), delimiter="\t"))[-1]["s"])
            self._benchmarks[key] = found
        return self._benchmarks[key]

    def _from_rates(self, key: JobKey, facts: StudyFacts) -> float | None:
        rates = self._rates.studies.get(key.study)
        if rates is None:
            return None
        if key.rule == "simulate":
            same = rates.scale == self._scale
            return rates.simulate.start + rates.simulate.seconds * rates.simulate.events if same else None
        if key.rule == "report_study":
            return rates.report_seconds
        n = self._n_samples(key.study, facts)
        if not n:
            return None
        match key.rule:
            case "manifest":
                return rates.simulate.start + rates.prepare.manifest_seconds * _n_all(facts, n)
            case "observables":
                return rates.simulate.start + rates.prepare.observables_seconds * n.get("test", 0)
            case "train":
                return _planned_training(key.model, facts, rates, n)
            case "evaluate":
                model = facts.models[key.model]
                fits, _ = rates.fits_of(key.model, model.architecture)
                return fits.evaluate_start + model.seeds * n.get("test", 0) * fits.evaluate_seconds
        return None

    def _n_samples(self, study: str, facts: StudyFacts) -> dict[str, int]:
        """Samples of each split, of the dataset that is there, and empty before it is; of a cross-validation train and
        val are those of fold 0, and test is all.
        """
        if study not in self._samples and study in self._with_manifest:
            names = ([fold_manifest(0)] if facts.folds else []) + ["manifest.json"]
            self._samples[study] = {}
            for name in names:
                self._samples[study] |= _samples_in(self._results / study / "dataset" / name)
        return self._samples.get(study, {})


def _samples_in(path: Path) -> dict[str, int]:
    manifest = read_live(path, MANIFEST_BYTES) or {}
    with suppress(KeyError, TypeError, AttributeError, ValueError):
        found = {
            split: sum(int(entry["samples"]) for entry in entries) for split, entries in manifest["splits"].items()
        }
        return {split: n for split, n in found.items() if n}
    return {}


def _n_all(facts: StudyFacts, n: dict[str, int]) -> int:
    return n.get("test", 0) if facts.folds else sum(n.values())


def _by_variation(stage: str, keys: frozenset[JobKey]) -> dict[str, int]:
    """How many of the jobs of shards are of each variation; '' is the nominal study."""
    if not stage.endswith(VARIATION):
        return {"": len(keys)} if keys else {}
    return dict(Counter(key.item.partition("/")[0] for key in keys))


def longest_chain(longest: dict[str, dict[str, float]], models: list[str]) -> float:
    """Of jobs that wait for one another, from the longest that is left in each stage, by model ('' is of all)."""

    def of(*stages: str, model: str = "") -> float:
        return sum(longest.get(stage, {}).get(model, 0.0) for stage in stages)

    data = of("simulate", "totals", "prepare", "manifest")
    varied = of("simulate_variation", "prepare_variation", "manifest_variation")
    chains = [data + of("observables"), of("validate_source"), varied]
    for model in models:
        learned = data + of("search", "train", model=model)
        evaluated = max(
            learned + of("evaluate", model=model), max(learned, varied) + of("evaluate_variation", model=model)
        )
        chains.append(evaluated + of("export", "apply", model=model))
    return max(chains) + of("report_study")


def _planned_training(name: str, facts: StudyFacts, rates: StudyRates, n: dict[str, int]) -> float:
    """As `bevatron plan` has it: all epochs of all seeds."""
    model = facts.models[name]
    fits, _ = rates.fits_of(name, model.architecture)
    n_train = n.get("train", 0)
    used = min(n_train, model.samples or n_train) + FORWARD * n.get("val", 0) / model.validate_every
    return fits.start + model.seeds * model.epochs * fits.seconds_at(model.batch_size) * used


def _training_left(key: JobKey, facts: StudyFacts, runs: LiveRuns) -> float | None:
    """Of a training that is going on, by its own speed: the seed that is fitted, and those that follow."""
    mine = [run for run in runs.trainings.values() if run.key == key]
    fitted = next((run for run in mine if run.state == RUNNING), None)
    if fitted is None:
        return None
    left, updated, started = (number(fitted.values.get(name)) for name in ("seconds_left", "updated", "started"))
    if left is None or updated is None or started is None:
        return None
    seeds_after = max(0, facts.models[key.model].seeds - 1 - fitted.name[2])
    return left + seeds_after * (updated - started + left)


def _search_left(key: JobKey, runs: LiveRuns) -> float | None:
    """Of a search that is going on, by the time that its ended trials took."""
    for search in runs.searches.values():
        same = (search.study, search.model) == (key.study, key.item)
        if same and search.state == RUNNING and 0 < search.n_ended < search.trials:
            if search.begun is None or search.updated is None:
                return None
            return max(0, search.trials - search.n_ended) * (search.updated - search.begun) / search.n_ended
    return None


def overall(parts: list[tuple[float, float, int]], slots: int) -> TimeLeft:
    """Of all studies together, on a machine that runs so many jobs at a time."""
    total = sum(seconds for seconds, _, _ in parts)
    longest = max((chain for _, chain, _ in parts), default=0.0)
    return TimeLeft(max(longest, total / max(1, slots)), sum(unknown for _, _, unknown in parts))
