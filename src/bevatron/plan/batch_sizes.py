"""What a training sample costs at batch sizes that a study has at other scales.

A step costs about a millisecond beside its samples. A demo takes small steps, so that a small dataset gives many of
them, and its cost of a sample is several times that of the steps of 1,000 at full size. So for each model whose batch
size is another at another scale, short trainings at that size are timed, on the dataset of the finished run and by the
function that all trainings use.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.config.sections.model import Model
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.plan.rates import BatchRate, StudyRates

SAMPLES = 40_000  # of each of the timed intervals, at least
INTERVALS = 3  # of a timed training; the first is not counted, for what is done once
VALIDATED = 1 / 3  # of a training step's cost: a validated sample is not learned from


def batch_sizes_to_time(ran: Study, others: list[Study]) -> dict[str, list[int]]:
    """By model of the study that ran, the batch sizes that it has in `others` and did not have in the run."""
    wanted: dict[str, list[int]] = {}
    for name, model in ran.models.items():
        sizes = {other.models[name].training.batch_size for other in others if name in other.models}
        numbers = sorted(size for size in sizes - {model.training.batch_size} if isinstance(size, int))
        if numbers and not _is_closed_form(model):
            wanted[name] = numbers
    return wanted


def with_batch_sizes(
    rates: StudyRates, ran: Study, others: list[Study], workflow: Workflow, results: Path
) -> StudyRates:
    """The rates with those of the batch sizes of `others` in addition; trains each model for some seconds."""
    fits = dict(rates.fits)
    for name, sizes in batch_sizes_to_time(ran, others).items():
        timed = [
            BatchRate(batch_size=size, seconds=_seconds(ran, name, size, workflow, results), date=rates.date)
            for size in sizes
        ]
        fits[name] = fits[name].model_copy(update={"other_batches": timed})
    return rates.model_copy(update={"fits": fits})


def _seconds(study: Study, name: str, batch_size: int, workflow: Workflow, results: Path) -> float:
    """Core-seconds of a training sample in steps of `batch_size`, with all that a fit does beside them."""
    from bevatron.store.shards.manifest import load_manifest
    from bevatron.training.fit import fit
    from bevatron.training.job import FitJob

    manifest_path = (results / study.name / "dataset" / "manifest.json").resolve()
    manifest = load_manifest(manifest_path)
    model = study.models[name]
    n_train, n_val = manifest.n_samples("train"), manifest.n_samples("val")
    epochs = -(-SAMPLES // min(n_train, model.training.samples or n_train))
    changed = {
        "batch_size": batch_size, "validate_every": epochs, "epochs": INTERVALS * epochs, "early_stopping": None,
        "checkpoint_seconds": 1e6,
    }  # fmt: skip
    training = model.training.model_validate(model.training.model_dump() | changed)
    marks: list[float] = []

    def mark(_: dict[str, Any]) -> None:
        marks.append(time.process_time())

    with tempfile.TemporaryDirectory(prefix="bevatron-plan-") as folder:
        job = FitJob(
            study,
            model.model_copy(update={"training": training, "search": None}),
            manifest_path,
            seed=0,
            folder=Path(folder),
            data_loading=workflow.data_loading,
            accelerator=workflow.accelerator,
            members={m: (results / study.name / "models" / m / "seed-0").resolve() for m in model.members},
        )
        result = fit(job, mark)
    timed = epochs * result.samples / result.epochs + VALIDATED * n_val
    return float(f"{(marks[-1] - marks[0]) / (len(marks) - 1) / timed:.4g}")


def _is_closed_form(model: Model) -> bool:
    from bevatron.models.closed_form import ClosedFormModel

    return issubclass(ARCHITECTURES[model.architecture.kind], ClosedFormModel)
