"""One trial, in a process that Tune uses for many, so that importing torch is paid once per process."""

import gc
import math
import sys
import time
import traceback
from typing import Any

from bevatron.errors import UserError
from bevatron.search.trial_fit import fit_trial, trial_job
from bevatron.search.trial_log import DIVERGED, FAILED, FINISHED, MEMORY
from bevatron.store.files.publish import machine_fault
from bevatron.training.job import Diverged

MEMORY_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory")


def run_trial(config: dict[str, Any], payload: dict[str, Any]) -> None:
    """Fit the model with the trial's values and report each validation to Tune.

    `config` comes from `Suggest`; `payload` holds, as plain data, what all trials share. Tune stops a trial by
    raising SystemExit from a report. Every other end is reported, never raised: an error costs the process.
    """
    from ray import tune

    for epoch, loss in config["losses"]:  # of before a kill: ASHA sees what it would have seen
        tune.report({"epoch": epoch, "val_loss": loss, "seconds": config["seconds"]})
    job = trial_job(config, payload)
    start = time.perf_counter() - config["seconds"]
    reported = max((epoch for epoch, _ in config["losses"]), default=0)

    def report(epoch: float, loss: float) -> None:
        if not math.isfinite(loss):
            raise Diverged(f"the validation loss is {loss} after epoch {epoch:g}")
        nonlocal reported
        if epoch > reported:
            reported = epoch
            tune.report({"epoch": epoch, "val_loss": float(loss), "seconds": time.perf_counter() - start})

    ending: dict[str, Any] = {"epoch": 0, "val_loss": math.inf}  # epoch 0: no rung of ASHA's is reached
    try:
        result = fit_trial(config, payload, lambda row: report(row["epoch"], row["val_loss"]))
        report(result.epochs, result.last_val_loss)  # a fit that had ended before a kill validates no more
        ending["status"], ending["reason"] = FINISHED, ""
    except Exception as error:
        fault = error if isinstance(error, UserError) else machine_fault(error, job.folder)
        if fault is not None:
            ending["fault"] = [fault.where, fault.what, fault.todo]
        else:
            ending["status"], ending["reason"] = status_of(error), _line(error)
        if ending.get("status") == FAILED:
            job.folder.mkdir(parents=True, exist_ok=True)
            (job.folder / "failure.txt").write_text(traceback.format_exc(), encoding="utf-8")
    _free_memory(ending)
    tune.report({**ending, "seconds": time.perf_counter() - start})


def status_of(error: BaseException) -> str:
    """How a trial that raised `error` ended."""
    if isinstance(error, Diverged):
        return DIVERGED
    names = {kind.__name__ for kind in type(error).__mro__}
    text = str(error).lower()
    if names & {"MemoryError", "OutOfMemoryError"}:
        return MEMORY
    if "RuntimeError" in names and any(sign in text for sign in MEMORY_SIGNS):
        return MEMORY
    return FAILED


def _line(error: BaseException) -> str:
    line = (str(error).strip().splitlines() or [""])[0][:300]
    return line if isinstance(error, Diverged) else f"{type(error).__name__}: {line}".removesuffix(": ")


def _free_memory(ending: dict[str, Any]) -> None:
    """Give back what the fit held, for the next trial or another process; a collection takes 0.3 s."""
    torch = sys.modules.get("torch")
    on_gpu = torch is not None and torch.cuda.is_initialized()
    if on_gpu or ending.get("status") == MEMORY:
        gc.collect()
    if torch is not None and on_gpu:
        torch.cuda.empty_cache()
