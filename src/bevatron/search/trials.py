"""The trials of a search, run by Ray Tune with ASHA, written to the trial log as they report."""

import logging
import shutil
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ray import tune
from ray.tune import Callback, Stopper
from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from bevatron.compute.process.flag import Flag
from bevatron.compute.ray.ray_session import RaySession
from bevatron.config.sections.search import Search
from bevatron.errors import UserError
from bevatron.search.space import values_of
from bevatron.search.suggest import Suggest
from bevatron.search.trial import run_trial
from bevatron.search.trial_log import FAILED, MEMORY, STOPPED, Trial, TrialLog
from bevatron.store.files.publish import machine_fault

log = logging.getLogger("bevatron")
DEATHS = 2  # of a trial's process, killed from outside, after each of which the trial is started again


def run_trials(
    search: Search, checkpoint: str, payload: dict[str, Any], trial_log: TrialLog, session: RaySession
) -> None:
    """Run what the trial log lacks of `search.trials`; raises UserError for a fault that is no trial's own."""
    at_once = trials_at_once(search, session)
    stop_requested = Flag(Path(payload["stop_requested"]), every=0.0)  # set in this process, and read in it
    recorder = Recorder(search, checkpoint, trial_log, session, stop_requested)
    storage = trial_log.path.parent / "tune"
    shutil.rmtree(storage, ignore_errors=True)  # Tune would resume from it: the trial log alone is the state
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # failures stand in the trial log and in our own lines
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(run_trial, payload=payload),
            trial_resources(search),
        ),
        tune_config=tune.TuneConfig(
            search_alg=Suggest(search, checkpoint, trial_log, stop_requested),
            scheduler=make_scheduler(search, trial_log),
            num_samples=search.trials - len(trial_log.ended),
            max_concurrent_trials=at_once,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: f"trial-{trial.config['number']:04d}",
        ),
        run_config=tune.RunConfig(
            name=trial_log.path.parent.name,
            storage_path=str(storage),
            verbose=0,
            callbacks=[recorder],
            failure_config=tune.FailureConfig(max_failures=DEATHS),
            stop=_StopAtFault(recorder),
        ),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's, about itself
        tuner.fit()
    shutil.rmtree(storage, ignore_errors=True)
    if recorder.fault is not None:
        raise recorder.fault


def trial_resources(search: Search) -> tune.PlacementGroupFactory:
    """What Ray reserves for a trial: a bundle for each of its workers, on as few nodes as possible."""
    n = search.workers_per_trial
    return tune.PlacementGroupFactory(
        [{"CPU": search.cpus_per_trial / n, "GPU": search.gpus_per_trial / n}] * n, strategy="PACK"
    )


def trials_at_once(search: Search, session: RaySession) -> int:
    """How many trials the cluster holds; raises UserError if it does not hold one."""
    fits = []
    for key, each, total in (
        ("cpus_per_trial", search.cpus_per_trial, session.cpus),
        ("gpus_per_trial", search.gpus_per_trial, session.gpus),
    ):
        if each > total:
            raise UserError(
                f"search.{key}", f"a trial asks for {each:g}, the Ray cluster has {total:g}", "ask for less"
            )
        if each > 0:
            fits.append(int(total / each + 1e-9))
    return min(fits)


class Asha(ASHAScheduler):
    """Asynchronous successive halving (Li et al., arXiv:1810.05934) that lets a trial at its last epoch finish."""

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict) -> str:
        """ASHA's decision, but CONTINUE at the last epoch."""
        action = super().on_trial_result(tune_controller, trial, result)
        return TrialScheduler.CONTINUE if result["epoch"] >= self._max_t else action


def make_scheduler(search: Search, trial_log: TrialLog) -> Asha:
    """A scheduler that knows of the trials that ended before."""
    scheduler = Asha(
        time_attr="epoch",
        metric="val_loss",
        mode="min",
        max_t=search.epochs,
        grace_period=min(search.grace_period, search.epochs),
        reduction_factor=search.reduction_factor,
        stop_last_trials=False,
    )
    ended = {trial.number: SimpleNamespace(trial_id=f"ended-{trial.number}") for trial in trial_log.ended}
    stand_in: Any = scheduler  # takes trials that are none of Tune's, and no controller
    for trial in ended.values():
        stand_in.on_trial_add(None, trial)
    for number, epoch, loss in trial_log.reports:
        if number in ended:
            stand_in.on_trial_result(None, ended[number], {"epoch": epoch, "val_loss": loss})
    return scheduler


class Recorder(Callback):
    """Writes to the trial log what Tune hears, and a plain line to the log for every trial that ends.

    `fault` is a UserError that is no trial's own: the data are damaged, the disk is full. It ends the search: at once,
    or, when the search is asked to stop, as soon as all running trials have saved their state and said so by a fault.
    """

    def __init__(self, search: Search, checkpoint: str, trial_log: TrialLog, session: RaySession, stop_requested: Flag):
        self._search, self._checkpoint, self._trial_log = search, checkpoint, trial_log
        self._session, self._stop_requested = session, stop_requested
        self._interrupted: set[str] = set()
        self.fault: UserError | None = None

    def on_trial_result(self, iteration: int, trials: list, trial: Any, result: dict, **info: Any) -> None:
        """Write a validation to the trial log, or keep a fault that ends the search."""
        if "fault" in result:
            self._interrupted.add(trial.trial_id)
            running = {other.trial_id for other in trials if other.status == "RUNNING"}
            if not self._stop_requested.is_set() or running <= self._interrupted:
                self.fault = UserError(*result["fault"])
        elif result["epoch"] > 0:
            self._write("report", trial, result["epoch"], result["val_loss"], result["seconds"])

    def on_trial_complete(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        """Write the trial's end to the trial log, unless the search itself ends."""
        if self.fault is not None or trial.trial_id in self._interrupted:  # the search ends, and not the trial
            return
        result = trial.last_result
        status = result.get("status", STOPPED)  # a trial that ASHA stops has no last word
        self._end(trial, status, result.get("reason", ""), result["seconds"], result["pid"])

    def on_trial_recover(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        """The trial's process died, and Tune starts the trial again: its fit goes on from its checkpoint."""
        text = _error_text(trial)
        if not self._is_interrupted(trial, text):
            log.warning("%s; trial %d is started again", _ending(text), trial.config["number"])

    def on_trial_error(self, iteration: int, trials: list, trial: Any, **info: Any) -> None:
        """The trial's process died once more, as it does when the system or Ray kills it for want of memory."""
        text = _error_text(trial)
        if self._is_interrupted(trial, text):
            return
        short = _short_of_memory(text)
        reason = "Ray ended the trial's process as the machine ran out of memory" if short else _ending(text)
        seconds = self._trial_log.trials[trial.config["number"]].seconds
        self._end(trial, MEMORY if short else FAILED, reason, seconds, None)

    def _is_interrupted(self, trial: Any, text: str) -> bool:
        """A batch job that is cancelled, or a node that fails, interrupts the trial: it is not the trial's own end."""
        why = None if _short_of_memory(text) else self._interruption()
        if why is None:
            return False
        self._interrupted.add(trial.trial_id)
        self.fault = UserError(self._trial_log.path.parent, why, "run it again to go on")
        return True

    def _interruption(self) -> str | None:
        """Why all trials end, if not one of them alone has died."""
        if self._stop_requested.is_set():
            return "the search was asked to stop (SIGTERM)"
        lost = self._session.lost_node()
        return None if lost is None else f"the Ray cluster has lost its node {lost}"

    def _end(self, trial: Any, status: str, reason: str, seconds: float, process: int | None) -> None:
        number = trial.config["number"]
        self._write("end", trial, status, reason, seconds, process)
        log.info("%s", self._line(self._trial_log.trials[number]))

    def _write(self, event: str, trial: Any, *content: Any) -> None:
        try:
            getattr(self._trial_log, event)(trial.config["number"], *content)
        except OSError as error:
            self.fault = machine_fault(error, self._trial_log.path)

    def _line(self, trial: Trial) -> str:
        loss = trial.val_loss(self._checkpoint)
        values = values_of(self._search.space, trial.sampled).items()
        settings = " ".join(f"{key.rpartition('.')[2]} {_format_value(value)}" for key, value in values)
        return (
            f"trial {trial.number}/{self._search.trials} {trial.status}"
            + (f" ({trial.reason})" if trial.reason else "")
            + ("" if loss is None else f" val_loss {loss:.4g}")
            + f" {settings} epochs {trial.epochs:g} {trial.seconds:.1f} s"
        )


class _StopAtFault(Stopper):
    def __init__(self, recorder: Recorder):
        self._recorder = recorder

    def __call__(self, trial_id: str, result: dict) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._recorder.fault is not None


def _format_value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value).replace(" ", "")


def _error_text(trial: Any) -> str:
    return str(trial.get_pickled_error() or trial.get_error() or "the trial's process died")


def _short_of_memory(text: str) -> bool:
    return "low on memory" in text or "OutOfMemory" in text


def _ending(text: str) -> str:
    """The telling line of a Ray error, which goes on for a page."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any("died" in line or "SYSTEM_ERROR" in line for line in lines):
        return "the trial's process died, killed from outside or for want of memory"
    return lines[-1][:300] if lines else "unknown"
