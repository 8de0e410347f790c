"""A trial's fit, by the trial's process alone or by it and a crew of workers."""

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bevatron.compute.flag import Flag
from bevatron.config.study import Study
from bevatron.config.workflow import DataLoading
from bevatron.learning.job import FitJob

if TYPE_CHECKING:
    from bevatron.compute.crew import Crew
    from bevatron.compute.team import Team

Report = Callable[[dict[str, Any]], None]

# The crew of this process, which Tune uses for one trial after another, by the actor's placement group.
_crews: dict[str, "Crew"] = {}


def fit_trial(config: dict[str, Any], task: dict[str, Any], report: Report) -> Any:
    """The result of the trial's fit; `report` gets each row of its history, and may stop it by an exception."""
    from bevatron.compute.team import ALONE  # imports torch, which the search's own process does not need

    search = Study.model_validate(task["study"]).models[task["model"]].search
    both = {"trial": config, "search": task, "accelerator": task["accelerator"]}
    if search.workers_per_trial == 1:
        return _fit(both, ALONE, report)
    crew = _crew(search, task["strategy"])
    return crew.run(_fit, both, report)


def trial_job(config: dict[str, Any], task: dict[str, Any]) -> FitJob:
    study = Study.model_validate(task["study"])
    model = study.models[task["model"]]
    return FitJob(
        study=study,
        model=model.with_values(config["values"]),
        manifest=Path(task["manifest"]),
        seed=model.search.seed,
        folder=Path(task["folder"]) / f"trial-{config['number']:04d}",
        data_loading=DataLoading.model_validate(task["data_loading"]),
        accelerator=task["accelerator"],
        epochs=model.search.epochs,
    )


def _fit(task: dict[str, Any], team: "Team", report: Report) -> Any:
    """What each worker of a trial does."""
    told_to_end = Flag(Path(task["search"]["told_to_end"])).is_raised
    fit = importlib.import_module(task["search"]["fit"]).fit
    job = trial_job(task["trial"], task["search"])
    return fit(job, on_validation=report, team=replace(team, told_to_end=told_to_end))


def _crew(search: Any, strategy: str) -> "Crew":
    import ray

    from bevatron.compute.crew import Crew

    group = ray.util.get_current_placement_group()
    key = group.id.hex() if group is not None else ""
    for other in [known for known, crew in _crews.items() if known != key or not crew.alive]:
        _crews.pop(other).end()
    if key not in _crews:
        n = search.workers_per_trial
        _crews[key] = Crew(n, search.cpus_per_trial / n, search.gpus_per_trial / n, strategy)
    return _crews[key]
