"""Whether the seeds of a model were trained in one environment, and in that of now."""

import logging
from typing import Any

import torch

from bevatron.compute.numerics.devices import device_for
from bevatron.compute.numerics.reproducibility import differences
from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.models.closed_form import ClosedFormModel
from bevatron.store.records.runs import RunRecord
from bevatron.training.environment import training_environment
from bevatron.training.job import FitJob

log = logging.getLogger("bevatron")


def warn_of_differences(what: str, runs: tuple[RunRecord, ...], now: dict[str, Any]) -> None:
    """One warning where runs of the model `what` were trained in environments that may give other bits than that of
    `now`: used again as they were finished before, or begun elsewhere. What `now` does not know is compared with the
    last run's.
    """
    last = runs[-1].environments[-1].model_dump()
    reference = {**last, **now, "versions": {**last["versions"], **now["versions"]}}
    seeds_by_difference: dict[str, list[str]] = {}
    for run in runs:
        for environment in run.environments:
            if changed := differences(environment.model_dump(), reference):
                seeds_by_difference.setdefault(", ".join(changed), []).append(str(run.seed))
    if seeds_by_difference:
        words = "; ".join(
            f"seed {', '.join(dict.fromkeys(seeds))}: {difference}" for difference, seeds in seeds_by_difference.items()
        )
        log.warning("%s: was not trained here alone, and cannot be made again here bit for bit (%s)", what, words)


def environment_here(job: FitJob, workers: int, strategy: str) -> dict[str, Any]:
    """The environment in which this process trains the job; of several workers, before they are there, their number
    and the packages alone.
    """
    closed_form = issubclass(ARCHITECTURES[job.model.architecture.kind], ClosedFormModel)
    device = torch.device("cpu") if closed_form or workers > 1 else device_for(job.accelerator)
    training = job.model.training
    compiled = training.compile and not closed_form
    here = training_environment(training.threads, device, closed_form=closed_form, compiled=compiled).as_dict()
    if workers == 1:
        return here
    return {"workers": workers, "strategy": strategy, "versions": here["versions"]}
