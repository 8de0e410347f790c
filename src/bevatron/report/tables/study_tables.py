"""The tables of one study: its data, models, metrics, searches and timings."""

from collections.abc import Sized

from bevatron.config.sections.model import Model
from bevatron.report.provenance.origin import Origin
from bevatron.report.results.measured import Measured
from bevatron.report.results.study_results import ModelResults, StudyResults
from bevatron.report.tables.metric_titles import title_of
from bevatron.report.tables.numbers import count, exact, size
from bevatron.report.tables.table import Cell, Table
from bevatron.store.shards.manifest import Manifest

_OF_EACH = {
    "segmentation": " Of each class: images with a pixel of it.",
    "detection": " Of each class: those that have a box of it.",
    "multi_label": " Of each label: those that have it.",
}


def samples_table(results: StudyResults) -> Table:
    """Samples of each split, by class where there are classes; of a detection those with a box of it, of a label those
    that have it. Of a cross-validation those of all folds, and of each fold.
    """
    manifest = results.manifest
    rows = [
        (split, of.n_samples(name), *(of.class_counts(name)[label] for label in manifest.classes))
        for split, name, of in _splits(results)
    ]
    caption = "Samples to learn from, to validate and to test."
    if results.of_folds:
        caption += " Each fold's networks are tested on the samples of the fold, which they have not seen."
    return Table(
        f"{results.study.name}_samples",
        caption + _OF_EACH.get(results.study.task.kind, ""),
        ("split", "samples", *manifest.classes),
        tuple(rows),
        _repeat_origin(rows, Origin(results.study.name, "manifest")),
    )


def weights_table(results: StudyResults) -> Table:
    """What the samples' weights add up to in each split, by class where there are classes; empty without weights."""
    manifest = results.manifest
    names = [name for name in manifest.classes if any(name in w.class_sums for w in manifest.weights.values())]
    rows = [
        (
            label,
            w.sum,
            *(w.class_sums[name] for name in names),
            w.effective,
            w.minimum,
            w.maximum,
            w.negative,
        )
        for label, split, of in _splits(results)
        for w in [of.weights[split]]
    ]
    return Table(
        f"{results.study.name}_weights",
        "Weights of the samples: their sum, that of each class, and the number of samples without weights that would "
        "fluctuate as much, (Σw)² / Σw². Loss and metrics count each sample by its weight.",
        ("split", "sum", *names, "effective samples", "smallest", "largest", "negative"),
        tuple(rows),
        _repeat_origin(rows, Origin(results.study.name, "manifest")),
    )


def features_table(results: StudyResults) -> Table:
    """Every input feature with its unit, its distribution over the training split and, where given, its definition."""
    groups = results.manifest.groups
    defined = any(info.definitions for info in groups.values())
    rows = []
    for group, info in groups.items():
        definitions = info.definitions or ("",) * len(info.features)
        for feature, unit, definition in zip(info.features, info.units, definitions, strict=True):
            statistics = results.manifest.statistics[group][feature]
            unit = "" if unit == "1" else unit
            row = (
                group,
                feature,
                unit,
                statistics.mean,
                statistics.std,
                statistics.minimum,
                statistics.median,
                statistics.maximum,
            )
            rows.append((*row, definition) if defined else row)
    head = ("group", "feature", "unit", "mean", "std", "minimum", "median", "maximum")
    return Table(
        f"{results.study.name}_features",
        "Input features over all samples." if results.of_folds else "Input features over the training split.",
        (*head, "definition") if defined else head,
        tuple(rows),
        _repeat_origin(rows, Origin(results.study.name, "manifest")),
    )


def models_table(results: StudyResults) -> Table:
    """What each model is and how it was trained; its auxiliary tasks where any model has some."""
    rows = []
    with_auxiliary = any(m.model.auxiliary for m in results.models.values())
    for m in results.models.values():
        training = m.model.training
        tasks = [f"{name} ({exact(task.weight)})" for name, task in m.model.auxiliary.items()]
        rows.append(
            (
                m.title,
                architecture_words(m.model),
                ", ".join(m.model.inputs),
                m.model.target or results.study.task.target,
                *((", ".join(tasks) or None,) if with_auxiliary else ()),
                m.metrics.parameters,
                training.optimiser,
                f"{training.learning_rate:.4g}",
                f"{training.accumulate} × {training.batch_size}"
                if training.accumulate > 1
                else f"{training.batch_size}",
                training.epochs,
                round(_mean_of_runs(m, "epochs")),
                len({run.seed for run in m.runs}),
            )
        )
    of_tasks = ("auxiliary tasks (weight of the loss)",) if with_auxiliary else ()
    head = ("model", "architecture", "inputs", "target", *of_tasks, "weights", "optimiser", "learning rate", "batch")
    return Table(
        f"{results.study.name}_models",
        "The models; values found by a search are put in.",
        (*head, "epochs at most", "epochs run", "seeds"),
        tuple(rows),
        tuple(Origin(results.study.name, "train", name) for name in results.models),
    )


def comparison_table(results: StudyResults, metrics: list[str]) -> Table:
    """The metrics that matter most, a row for each model."""
    rows = [(m.title, *(results.metric(m.name, metric) for metric in metrics)) for m in results.models.values()]
    return Table(
        f"{results.study.name}_comparison",
        "Mean over the seeds; the error holds the test split's size and the spread of the seeds."
        + (" Each sample is predicted by networks that have not seen its fold." if results.of_folds else ""),
        ("model", *(title_of(metric) for metric in metrics)),
        tuple(rows),
        tuple(Origin(results.study.name, "evaluate", name) for name in results.models),
        {i: {"metric": metric} for i, metric in enumerate(metrics, start=1)},
    )


def published_table(results: StudyResults) -> Table | None:
    """Published values beside ours, and their difference in our standard deviations."""
    rows: list[tuple[Cell, ...]] = []
    origins = []
    for m in results.models.values():
        for metric, published in m.model.published.items():
            origins.append(Origin(results.study.name, "evaluate", m.name, metric=metric))
            ours = results.metric(m.name, metric)
            if ours is None:
                rows.append((m.title, title_of(metric), published, None, None, None))
                continue
            difference = ours.value - published
            rows.append(
                (m.title, title_of(metric), published, ours, difference, _divide_by_error(difference, ours.error))
            )
    if not rows:
        return None
    return Table(
        f"{results.study.name}_published",
        "Published values and ours. The last column counts our own standard deviations alone: the "
        "published samples, their size and their simulation differ.",
        ("model", "metric", "published", "ours", "difference", "in our σ"),
        tuple(rows),
        tuple(origins),
        {2: {"stage": "study"}},
    )


def metrics_table(results: StudyResults) -> Table:
    """Every metric of every model."""
    folds = len(results.of_folds)
    rows, origins = [], []
    for m in results.models.values():
        for metric, measured in results.measurements.models[m.name].items():
            seeds = _values_by_seed(measured, results.study.n_seeds)
            row = (m.title, metric, measured, measured.low, measured.high, _seed_std(measured), *seeds)
            rows.append((*row, *_values_by_fold(measured, folds)) if folds else row)
            origins.append(Origin(results.study.name, "evaluate", m.name, metric=metric))
    level = f"{results.study.evaluation.confidence:.0%}"
    head = ("model", "metric", "value", "low", "high", "seeds' std")
    of_folds = ("folds' std", *(f"fold {k}" for k in range(folds))) if folds else ()
    caption = f"Every metric: mean and error, {level} interval from the test split's size, spread of the seeds."
    if folds:
        caption += (
            " Then the metric on each fold by itself, and the spread of the folds; it is no part of the error, for "
            "networks of different folds have learned from common samples."
        )
    return Table(
        f"{results.study.name}_metrics",
        caption,
        (*head, *(f"seed {k}" for k in range(results.study.n_seeds)), *of_folds),
        tuple(rows),
        tuple(origins),
        {len(head) + k: {"seed": k} for k in range(results.study.n_seeds)},
    )


def splits_of_observables(results: StudyResults) -> str:
    """In words, the samples on which the observables were measured."""
    records = results.data.observables.values()
    of_all = [record.title for record in records if record.splits == "all"]
    if not of_all:
        return "the test split"
    if len(of_all) == len(records):
        return "all splits, with a bootstrap over all of their events"
    return f"the test split; of all splits, with a bootstrap over all of their events: {', '.join(of_all)}"


def observables_table(results: StudyResults) -> Table | None:
    """Every number measured without a network."""
    observables = results.measurements.observables
    if not observables:
        return None
    rows = tuple((name, m, m.low, m.high, m.unit) for name, m in observables.items())
    caption = f"Observables of {splits_of_observables(results)}; AUC of a cut from below."
    origins = tuple(Origin(results.study.name, "observables", metric=name) for name in observables)
    head = ("metric", "value", "low", "high", "unit")
    return Table(f"{results.study.name}_observables", caption, head, rows, origins)


def search_table(results: StudyResults) -> Table | None:
    """Every trial of every search, as the search stage recorded it."""
    columns: dict[str, None] = {}
    for m in results.models.values():
        for trial in m.search.trials if m.search else []:
            columns |= dict.fromkeys(trial)
    if not columns:
        return None
    rows = [
        (m.name, *(trial.get(column) or "" for column in columns))
        for m in results.models.values()
        for trial in (m.search.trials if m.search else [])
    ]
    origins = tuple(Origin(results.study.name, "search", row[0]) for row in rows)
    return Table(f"{results.study.name}_search", "All trials.", ("model", *columns), tuple(rows), origins)


def timings_table(results: StudyResults) -> Table:
    """What each stage did, how long it took and at what rate."""
    rows: list[tuple[Cell, ...]] = []
    origins = []
    timings = results.timings
    if timings:
        samples, seconds = (sum(t[key] for t in timings) for key in ("samples", "seconds"))
        fraction = sum(t["seconds_in_generator"] for t in timings) / seconds
        events = sum(t["events"] for t in timings)
        shards = "1 shard" if len(timings) == 1 else f"{len(timings)} shards"
        description = f"{shards}, {count(events)} events; {fraction:.0%} of the time in the generator"
        rows.append(("simulate", description, samples, float(seconds), samples / seconds))
        origins.append(Origin(results.study.name, "simulate"))
    for m in results.models.values():
        seconds = sum(run.seconds for run in m.runs) / len(m.runs)
        samples = sum(run.samples for run in m.runs) / len(m.runs)
        data_wait = sum(run.data_wait * run.seconds for run in m.runs) / (seconds * len(m.runs))
        workers = max(run.workers for run in m.runs)
        word = "trainings" if results.of_folds else "seeds"
        description = (
            f"{m.title}: mean of {len(m.runs)} {word}, {count(round(_mean_of_runs(m, 'steps')))} steps each"
            + (f" by {workers} workers" if workers > 1 else "")
            + f"; {data_wait:.0%} of the time waiting for data"
        )
        rows.append(("train", description, round(samples), seconds, samples / seconds))
        origins.append(Origin(results.study.name, "train", m.name))
    return Table(
        f"{results.study.name}_timings",
        "Simulation: samples written and seconds, summed over the jobs, on one core each. Training: "
        "samples and seconds of one seed's training steps, without validation.",
        ("stage", "what", "samples", "seconds", "samples / s"),
        tuple(rows),
        tuple(origins),
    )


def sizes_table(results: StudyResults) -> Table:
    """Bytes on disk."""
    dataset = [entry for entries in results.manifest.splits.values() for entry in entries]
    n = sum(entry.samples for entry in dataset)
    rows: list[tuple[str, str, str | None]] = []
    if results.raw_bytes:
        rows.append(("raw shards", size(results.raw_bytes), None))
    total = sum(entry.bytes for entry in dataset)
    rows.append((f"dataset, {len(dataset)} shards", size(total), f"{total / max(n, 1):,.0f} B"))
    rows.append(("weights of all models and seeds", size(sum(m.bytes for m in results.models.values())), None))
    origins = _repeat_origin(rows, Origin(results.study.name, "report"))
    return Table(f"{results.study.name}_sizes", "On disk.", ("what", "size", "a sample"), tuple(rows), origins)


def runs_table(results: StudyResults) -> Table:
    """The identity and the course of every training."""
    rows = [
        (
            m.title,
            *(() if run.fold is None else (str(run.fold),)),
            str(run.seed),
            run.epochs,
            run.best_val_loss,
            "yes" if run.stopped_early else "no",
            run.digest[:20],
        )
        for m in results.models.values()
        for run in m.runs
    ]
    of_fold = ("fold left out",) if results.of_folds else ()
    head = ("model", *of_fold, "seed", "epochs", "lowest validation loss", "stopped early", "digest")
    runs = [(m.name, run.seed) for m in results.models.values() for run in m.runs]
    origins = tuple(Origin(results.study.name, "train", model, seed) for model, seed in runs)
    return Table(f"{results.study.name}_runs", "The trainings.", head, tuple(rows), origins)


def architecture_words(model: Model) -> str:
    """An architecture's kind and options in a few words: 'mlp, widths 50:50, relu'."""
    parts = [model.architecture.kind]
    for key, value in model.architecture.model_dump(mode="json", exclude={"kind"}).items():
        if isinstance(value, dict):
            value = value.get("kind")
        if isinstance(value, list):
            parts.append(f"{key} {':'.join(str(v) for v in value) or 'none'}")
        elif isinstance(value, str):
            parts.append(value.replace("_", " "))
        elif value is True:
            parts.append(key.replace("_", " "))
        elif value:
            parts.append(f"{key.replace('_', ' ')} {exact(value)}")
    return ", ".join(parts)


def _splits(results: StudyResults) -> list[tuple[str, str, Manifest]]:
    """Each split: its title, its name, and the manifest that has it; of a cross-validation of all, and of each fold."""
    if not results.of_folds:
        return [(split, split, results.manifest) for split in results.manifest.split_names]
    of_folds = [(f"fold {k}: {s}", s, of) for k, of in enumerate(results.of_folds) for s in of.split_names]
    return [("all folds: test", "test", results.manifest), *of_folds]


def _values_by_fold(measured: Measured, n: int) -> list[float | None]:
    """Spread of the folds, and the value on each; none of what is not measured by fold."""
    return [measured.fold_std, *(measured.per_fold or [None] * n)]


def _repeat_origin(rows: Sized, origin: Origin) -> tuple[Origin, ...]:
    """The same origin for every row."""
    return (origin,) * len(rows)


def _mean_of_runs(m: ModelResults, key: str) -> float:
    return sum(getattr(run, key) for run in m.runs) / len(m.runs)


def _seed_std(measured: Measured) -> float | None:
    return float(measured.per_seed.std(ddof=1)) if len(measured.per_seed) > 1 else None


def _values_by_seed(measured: Measured, n: int) -> list[float | None]:
    values = [float(v) for v in measured.per_seed]
    return [values[k] if k < len(values) else None for k in range(n)]


def _divide_by_error(difference: float, error: float) -> float | None:
    return difference / error if error > 0 else None
