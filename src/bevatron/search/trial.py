"""One trial, inside a process that Tune uses for many trials, so that importing torch is paid once per process."""

import gc
import importlib
import math
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from bevatron.config.study import Study
from bevatron.config.workflow import Reading
from bevatron.errors import UserError
from bevatron.learning.job import Diverged, FitJob
from bevatron.search.journal import DIVERGED, FAILED, FINISHED, MEMORY

MEMORY_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


def run_trial(config: dict[str, Any], task: dict[str, Any]) -> None:
    """Fit the model with the trial's values and report each validation to Tune.

    `config` comes from `Suggest`; `task` holds, as plain data, what all trials share. Tune stops a trial by raising
    SystemExit from a report. Every other end is reported, never raised, as an error would cost the process.
    """
    from ray import tune

    for epoch, loss in config["losses"]:  # of before a kill: ASHA sees what it would have seen
        tune.report({"epoch": epoch, "val_loss": loss, "seconds": config["seconds"]})
    fit = importlib.import_module(task["fit"]).fit
    start = time.perf_counter() - config["seconds"]
    folder = Path(task["folder"]) / f"trial-{config['number']:04d}"

    def report(row: dict[str, Any]) -> None:
        if not math.isfinite(row["val_loss"]):
            raise Diverged(f"the validation loss is {row['val_loss']} after epoch {row['epoch']:g}")
        row = {"epoch": row["epoch"], "val_loss": float(row["val_loss"])}
        tune.report({**row, "seconds": time.perf_counter() - start})

    ending: dict[str, Any] = {"epoch": 0, "val_loss": math.inf}  # epoch 0: no rung of ASHA's is reached
    try:
        fit(_job(config, task, folder), on_validation=report)
        ending["status"], ending["reason"] = FINISHED, ""
    except UserError as error:
        ending["fault"] = [error.where, error.what, error.todo]
    except Exception as error:
        ending["status"], ending["reason"] = status_of(error), _line(error)
        if ending["status"] == FAILED:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "failure.txt").write_text(traceback.format_exc(), encoding="utf-8")
    _free_memory()
    tune.report({**ending, "seconds": time.perf_counter() - start})


def status_of(error: BaseException) -> str:
    """How a trial that raised `error` ended."""
    if isinstance(error, Diverged):
        return DIVERGED
    names = {kind.__name__ for kind in type(error).__mro__}
    words = str(error).lower()
    if names & {"MemoryError", "OutOfMemoryError"}:
        return MEMORY
    if "RuntimeError" in names and any(sign in words for sign in MEMORY_SIGNS):
        return MEMORY
    return FAILED


def _job(config: dict[str, Any], task: dict[str, Any], folder: Path) -> FitJob:
    study = Study.model_validate(task["study"])
    model = study.models[task["model"]]
    return FitJob(
        study=study,
        model=model.with_values(config["values"]),
        manifest=Path(task["manifest"]),
        seed=model.search.seed,
        folder=folder,
        reading=Reading.model_validate(task["reading"]),
        accelerator=task["accelerator"],
        epochs=model.search.epochs,
    )


def _line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__


def _free_memory() -> None:
    """What a failed fit held on the GPU is free for the next trial of this process."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
