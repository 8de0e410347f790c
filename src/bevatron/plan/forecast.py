"""From rates to a plan: jobs, core-hours, GPU-hours, disk and memory of each stage of a study at a scale."""

from dataclasses import dataclass

from bevatron.config.loading.kinds import SOURCES
from bevatron.config.loading.whole_dataset import needs_totals
from bevatron.config.sections.dataset import SplitFractions
from bevatron.config.sections.resources import Resources
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import DataLoading
from bevatron.plan.rates import FORWARD, StudyRates
from bevatron.store.shards.distinct import RUN
from bevatron.store.shards.statistics import QUANTILE_NUMBERS

RAY_START = 10.0  # core-seconds of a private cluster in a search by a workflow on one machine, beside its trials
FIXED_SPLITS = ("train", "val", "test")
MANIFEST_START = 100.0  # MB of the manifest's job before its first shard
EVALUATED = 120.0  # bytes a test sample, beside the outputs: ids, targets, one network's scores and their order
ENTRY = 4_000.0  # bytes for each file that a manifest lists, while it is written


@dataclass(frozen=True)
class Line:
    """One stage. core_hours is CPU time; longest: hours of its longest job by itself; memory in GB of its largest."""

    stage: str
    jobs: int
    core_hours: float
    gpu_hours: float
    longest: float
    gigabytes: float
    memory_gb: float
    note: str = ""


@dataclass(frozen=True)
class Sizes:
    """Events of a shard, raw samples of all shards, samples of all, and those of each split, or of a fit to a fold."""

    events: float
    raw: float
    samples: float
    split: dict[str, float]
    note: str


def estimate_sizes(study: Study, rates: StudyRates) -> Sizes:
    """How large the study's dataset will be: its source says how many events a shard has, the rates the rest."""
    source, shards = study.simulation.source, study.simulation.shards
    tell = getattr(SOURCES[source.kind](), "events", None)
    events: dict[str, int] | float = tell(source) if tell else rates.simulate.events
    note = "" if tell else f"the source '{source.kind}' does not tell its size: shards as large as measured"
    if isinstance(events, dict):  # the source makes the splits
        of_shard = float(sum(events.values()))
        fractions = {name: events[name] / of_shard for name in FIXED_SPLITS}
    else:
        k, split = study.dataset.folds, study.dataset.split
        of_shard, fractions = float(events), split.model_dump() if k is None else _of_folds(k, split)
    raw = of_shard * shards * rates.simulate.samples
    samples = raw * rates.prepare.samples_per_raw
    return Sizes(of_shard, raw, samples, {name: samples * fraction for name, fraction in fractions.items()}, note)


def _of_folds(k: int, split: SplitFractions) -> dict[str, float]:
    """Fractions of the dataset that a fit learns from and is steered by; all of it is a test of the k fits together."""
    learned = (1 - 1 / k) / (split.train + split.val)
    return {"train": split.train * learned, "val": split.val * learned, "test": 1.0}


def forecast(
    study: Study,
    rates: StudyRates,
    resources: Resources,
    data_loading: DataLoading,
    growth: dict[str, float] | None = None,
) -> list[Line]:
    """The plan, stage by stage, for the study at its scale.

    Core-hours are those that the work takes at the measured rates on one core; an early end of fits is not reckoned
    with, so that trainings are upper bounds. GPU-hours are those that the jobs would hold their GPUs for at the rates
    as they were measured.
    """
    sizes, lines = estimate_sizes(study, rates), []
    shards, simulate, prepare = study.simulation.shards, rates.simulate, rates.prepare
    shard_seconds = simulate.start + simulate.seconds * sizes.events
    batches = -(-shards // resources.shards.per_job)
    sums = needs_totals(study)
    jobs = f"in {batches:,} batch job{'s' if batches > 1 else ''}{'' if sums else ' with prepare'}"
    note = "; ".join(filter(None, (jobs, sizes.note)))
    lines.append(_line("simulate", [shard_seconds] * shards, sizes.raw * simulate.bytes, simulate.memory_mb, note))
    if sums:
        line = _line("totals", [simulate.start + prepare.seconds * sizes.raw], 0.0, prepare.memory_mb, "at most")
        lines.append(line)
    prepared = simulate.start + prepare.seconds * sizes.raw / shards
    lines.append(_line("prepare", [prepared] * shards, sizes.samples * prepare.bytes, prepare.memory_mb))
    manifest_seconds = simulate.start + prepare.manifest_seconds * sizes.samples
    lines.append(_line("manifest", [manifest_seconds], 0.0, _manifest_memory(study, sizes, prepare.memory_bytes)))
    looked_at = simulate.start + prepare.observables_seconds * sizes.split["test"]
    arrays = EVALUATED * sizes.split["test"] / 1e6
    lines.append(_line("observables", [looked_at], 0.0, prepare.memory_mb + arrays))
    lines += _learning(study, rates, resources, data_loading, sizes, growth or {})
    if study.variations:
        lines.append(_of_variations(study, rates, resources, growth or {}, lines[-1].memory_gb))
    lines.append(_line("report", [rates.report_seconds], rates.report_bytes, 0.0))
    return lines


def _of_variations(
    study: Study, rates: StudyRates, resources: Resources, growth: dict[str, float], memory_gb: float
) -> Line:
    """The data of all systematic variations, and the evaluations of all models on their test events, at nominal rates.

    memory_gb: of an evaluation.
    """
    simulate, prepare = rates.simulate, rates.prepare
    seconds, gpu, size = [], 0.0, 0.0
    for name in study.variations:
        varied = study.varied(name)
        sizes, shards = estimate_sizes(varied, rates), varied.simulation.shards
        n_test = sizes.split["test"]
        seconds += [simulate.start + simulate.seconds * sizes.events] * shards
        seconds += [simulate.start + prepare.seconds * sizes.raw / shards] * shards
        seconds.append(simulate.start + prepare.manifest_seconds * n_test)
        size += sizes.raw * simulate.bytes + n_test * prepare.bytes
        for model_name, model in study.models.items():
            fits, _ = rates.fits_of(model_name, model.architecture.kind)
            each = study.n_seeds * n_test * growth.get(model_name, 1.0) * fits.evaluate_seconds
            seconds.append(fits.evaluate_start + each)
            needs = resources.needs("evaluate", study.name, model_name)
            gpu += needs.nodes * needs.gpus * seconds[-1] / 3600
            size += study.n_seeds * n_test * fits.evaluate_bytes
    memory = max(simulate.memory_mb, prepare.memory_mb, 1e3 * memory_gb)
    note = f"simulate, prepare, manifest and evaluate of {len(study.variations)}, at the nominal rates"
    return _line("variations", seconds, size, memory, note, gpu)


def _manifest_memory(study: Study, sizes: Sizes, memory_bytes: float) -> float:
    """In MB: what is imported, a few copies of a shard, the numbers kept for quantiles, the ids of a run, twice, and
    those read back, and what the manifest says of each file, as objects and as text.
    """
    shards, k = study.simulation.shards, study.dataset.folds
    manifests, files = (1, len(FIXED_SPLITS)) if k is None else (k + 1, k * len(study.dataset.fold_parts))
    shard = 3 * memory_bytes * sizes.samples / shards
    in_memory = min(4 * QUANTILE_NUMBERS, manifests * memory_bytes * sizes.split["train"])
    ids = min(4 * 8 * RUN, 2 * 8 * sizes.samples)
    return MANIFEST_START + (shard + 1.25 * in_memory + ids + ENTRY * files * shards) / 1e6


def _learning(
    study: Study,
    rates: StudyRates,
    resources: Resources,
    data_loading: DataLoading,
    sizes: Sizes,
    growth: dict[str, float],
) -> list[Line]:
    train, search, evaluate = [], [], []
    gpu = {"train": 0.0, "search": 0.0, "evaluate": 0.0}
    gigabytes, measured_of, memory, smaller_steps = {"train": 0.0, "evaluate": 0.0}, {}, 0.0, 0
    folds = study.dataset.folds or 1  # each with a job of its own
    n_train, n_val, n_test = (sizes.split[name] for name in FIXED_SPLITS)
    for name, model in study.models.items():
        fits, other = rates.fits_of(name, model.architecture.kind)
        if other != name:
            measured_of[name] = other
        training = model.training
        if fits.batch_size is not None and not fits.knows(training.batch_size) and training.batch_size != "full":
            smaller_steps += 1
        used = min(n_train, training.samples or n_train)
        larger = growth.get(name, 1.0)
        epoch = larger * fits.seconds_at(training.batch_size) * (used + FORWARD * n_val / training.validate_every)
        fit = fits.start + study.n_seeds * training.epochs * epoch
        train += [fit] * folds
        evaluate.append(fits.evaluate_start + study.n_seeds * n_test * larger * fits.evaluate_seconds)
        jobs = {"train": folds * fit, "evaluate": evaluate[-1]}
        if model.search is not None:
            fraction = 1.0 if fits.searched_fraction is None else fits.searched_fraction
            trials = model.search.trials * model.search.epochs * fraction * epoch
            search.append(RAY_START + trials)
            jobs["search"] = search[-1]
        for rule, seconds in jobs.items():
            needs = resources.needs(rule, study.name, name)
            gpu[rule] += needs.nodes * needs.gpus * seconds / 3600
        gigabytes["train"] += 2 * folds * study.n_seeds * fits.bytes  # in runs/ and in results/
        gigabytes["evaluate"] += study.n_seeds * n_test * fits.evaluate_bytes
        resident = sum(
            min(n * rates.prepare.memory_bytes / 1e6, data_loading.memory_budget_gb * 1e3) for n in (used, n_val)
        )
        memory = max(memory, fits.memory_mb + resident)
    note = ""
    if measured_of:
        models = "1 model" if len(measured_of) == 1 else f"{len(measured_of)} models"
        note = f"{models} not measured: at the rate of {', '.join(sorted(set(measured_of.values())))}"
    if grown := [factor for factor in growth.values() if factor != 1.0]:
        note = "; ".join(filter(None, (note, f"{min(grown):,.3g} to {max(grown):,.3g} times the operations an image")))
    if smaller_steps:
        models = "1 model" if smaller_steps == 1 else f"{smaller_steps} models"
        what = f"{models} at the rate of steps of another size, which may be several times as much"
        note = "; ".join(filter(None, (note, f"{what}: --measure times steps of each size")))
    lines = [_line("search", search, 0.0, memory, gpu_hours=gpu["search"])] if search else []
    lines.append(_line("train", train, gigabytes["train"], memory, note, gpu["train"]))
    test = min(n_test * rates.prepare.memory_bytes / 1e6, data_loading.memory_budget_gb * 1e3)
    outputs = study.n_seeds * max(fits.evaluate_bytes for fits in rates.fits.values())
    largest = max(fits.memory_mb for fits in rates.fits.values()) + test + n_test * (outputs + EVALUATED) / 1e6
    lines.append(_line("evaluate", evaluate, gigabytes["evaluate"], largest, "", gpu["evaluate"]))
    return lines


def _line(
    stage: str, seconds: list[float], size: float, megabytes: float, note: str = "", gpu_hours: float = 0.0
) -> Line:
    hours = [s / 3600 for s in seconds]
    return Line(stage, len(hours), sum(hours), gpu_hours, max(hours), size / 1e9, megabytes / 1e3, note)
