"""A trial's fit, by the trial's process alone or by it and a group of workers."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bevatron.compute.process.flag import Flag
from bevatron.config.sections.search import Search
from bevatron.search.space import search_of
from bevatron.training.job import FitJob

if TYPE_CHECKING:
    from bevatron.compute.distributed.distributed_context import DistributedContext, Strategy
    from bevatron.compute.distributed.worker_group import WorkerGroup

Report = Callable[[dict[str, Any]], None]

# The worker group of this process, which Tune uses for one trial after another, by the actor's placement group.
_worker_groups: dict[str, "WorkerGroup"] = {}


def fit_trial(config: dict[str, Any], payload: dict[str, Any], report: Report) -> Any:
    """The result of the trial's fit; `report` gets each row of its history, and may stop it by an exception."""
    # Imports torch, which the search's own process does not need.
    from bevatron.compute.distributed.distributed_context import SINGLE_PROCESS

    job = FitJob.from_payload(payload["job"])
    search = search_of(job.model)
    of_both = {"trial": config, "search": payload, "accelerator": job.accelerator}
    if search.workers_per_trial == 1:
        return _fit(of_both, SINGLE_PROCESS, report)
    group = _worker_group(search, payload["strategy"])
    return group.run(_fit, of_both, report)


def trial_job(config: dict[str, Any], payload: dict[str, Any]) -> FitJob:
    """The search's job with the trial's values, in the trial's folder."""
    job = FitJob.from_payload(payload["job"])
    folder = job.folder / f"trial-{config['number']:04d}"
    return replace(job, model=job.model.with_values(config["values"]), folder=folder)


def _fit(payload: dict[str, Any], context: "DistributedContext", report: Report) -> Any:
    """What each worker of a trial does."""
    stop_requested = Flag(Path(payload["search"]["stop_requested"])).is_set
    fit = importlib.import_module(payload["search"]["fit"]).fit
    job = trial_job(payload["trial"], payload["search"])
    return fit(job, on_validation=report, context=replace(context, stop_requested=stop_requested))


def _worker_group(search: Search, strategy: "Strategy") -> "WorkerGroup":
    import ray

    from bevatron.compute.distributed.worker_group import WorkerGroup

    group = ray.util.get_current_placement_group()
    key = group.id.hex() if group is not None else ""
    for other in [known for known, group in _worker_groups.items() if known != key or not group.alive]:
        _worker_groups.pop(other).end()
    if key not in _worker_groups:
        n = search.workers_per_trial
        _worker_groups[key] = WorkerGroup(n, search.cpus_per_trial / n, search.gpus_per_trial / n, strategy)
    return _worker_groups[key]
