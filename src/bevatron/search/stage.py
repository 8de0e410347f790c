"""The search stage: Ray Tune over a model's declared space, and what comes of it."""

import logging
import os
import shutil
import socket
import time
from contextlib import suppress
from pathlib import Path

from bevatron.compute.process.lock import sole_owner
from bevatron.compute.slurm.resource_request import ONE_NODE, ResourceRequest
from bevatron.config.loading.identity import search_digest
from bevatron.config.loading.yaml_text import dump_yaml
from bevatron.config.sections.model import Model
from bevatron.config.sections.search import Search
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.search.results import best_of, best_values, search_record, trials_csv
from bevatron.search.space import search_of
from bevatron.search.trial_log import Trial, TrialLog
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.live_file import write_live
from bevatron.store.files.publish import publish_bytes, publish_text, sha256_of
from bevatron.store.records.search import SearchFile, write_search
from bevatron.store.shards.dataset import Dataset, load_dataset
from bevatron.training.job import FitJob
from bevatron.training.reading_order import training_order

log = logging.getLogger("bevatron")
# What the processes of trials import, besides the fit.
OF_TRIALS = ("torch", "pytorch_lightning", "torch.utils.tensorboard", "ray.tune", "bevatron.search.trial")


def search_model(
    study: Study,
    workflow: Workflow,
    name: str,
    manifest_path: Path,
    folder: Path,
    request: ResourceRequest = ONE_NODE,
    fit: str = "bevatron.training.fit",
) -> None:
    """Search the model `name`; writes best.yaml, trials.csv, search.json and search.png into `folder`.

    Live state is in <runs>/<digest of the search>: an interrupted search continues there, ended trials are
    not repeated, and interrupted ones go on from their fits' checkpoints. A search on which another process works
    is waited for. `fit` names the module whose function `fit` the trials call.

    Raises UserError if the model has no search, the data or the machine are at fault, or no trial succeeds.
    """
    model = study.models.get(name)
    where = f"{study.name}: models.{name}.search"
    if model is None or model.search is None:
        raise UserError(where, "there is nothing to search", "give the model a search, or train it as it stands")
    if workflow.accelerator == "cuda" and model.search.gpus_per_trial == 0:
        raise UserError(where, "accelerator is 'cuda' and gpus_per_trial is 0", "give each trial a fraction of a GPU")
    if not manifest_path.is_file():
        raise UserError(manifest_path, "there is no such manifest", "run `bevatron prepare` first")
    dataset = load_dataset(manifest_path)
    dataset.check_one_network()
    order = training_order(study, model, dataset, workflow.data_loading)
    digest = search_digest(study, model, dataset.manifest.sha256, order)
    live = Path(workflow.runs_dir).absolute() / digest
    with sole_owner(live, "search"), TrialLog(live / "trial_log.jsonl") as trial_log:
        missing = model.search.trials - len(trial_log.ended)
        if missing > 0:
            if trial_log.trials:
                log.info(
                    "%s: continues; %d of %d trials have ended",
                    where,
                    len(trial_log.ended),
                    model.search.trials,
                )
            _write_progress(live, study, name, model.training.checkpoint, model.search)
            _run(common_job(study, workflow, model, dataset, live), workflow, trial_log, request, fit)
        trials = trial_log.ended
        try:
            best = best_of(model.training.checkpoint, trials, where)
        except UserError:
            trial_log.archive()  # the next search, when the cause is fixed, starts from the beginning
            raise
        identity = {"study": study.name, "model": name, "digest": digest, "order": order}
        _publish(study, model, search_of(model), trials, best, identity, folder)
        _forget_fits(live)


def _write_progress(live: Path, study: Study, name: str, checkpoint: str, search: Search) -> None:
    """What the trial log does not say, for `bevatron watch`."""
    values = {"kind": "search", "study": study.name, "model": name, "checkpoint": checkpoint, "trials": search.trials}
    process = {"pid": os.getpid(), "host": socket.gethostname(), "started": time.time()}
    write_live(live / "progress.json", values | process)


def _run(job: FitJob, workflow: Workflow, trial_log: TrialLog, request: ResourceRequest, fit: str) -> None:
    """Run the trials that the trial log lacks; job: the fit of a trial, but for the trial's values and folder."""
    from bevatron.compute.process.flag import Flag
    from bevatron.compute.process.sigterm import flag_on_sigterm, stop_timeout
    from bevatron.compute.ray.ray_session import ray_session
    from bevatron.compute.slurm.deadline import sigterm_before_the_end

    live, model = job.folder, job.model
    stop_requested = Flag(live / "stop-requested")
    payload = {
        "job": job.as_payload(),
        "strategy": workflow.workers.strategy,
        "fit": fit,
        "stop_requested": str(stop_requested.path),
    }
    modules = None if workflow.fork_server == "off" else (*OF_TRIALS, fit)
    stop_error = UserError(live, "the search was asked to stop (SIGTERM)", "run it again to go on")
    try:
        with (
            sigterm_before_the_end(workflow.grace_seconds),
            ray_session(workflow.ray, request, live, modules) as session,
            flag_on_sigterm(
                stop_requested, stop_timeout(workflow.grace_seconds), session.is_reachable, str(stop_error)
            ),
        ):
            from bevatron.search.trials import run_trials  # which imports Ray Tune, as Ray's processes do meanwhile

            run_trials(search_of(model), model.training.checkpoint, payload, trial_log, session)
    except SystemExit:  # StopRequested, or what Ray makes of it where it comes in the midst of a call
        raise stop_error from None


def common_job(study: Study, workflow: Workflow, model: Model, dataset: Dataset, live: Path) -> FitJob:
    """What all trials of a search have in common."""
    search = search_of(model)
    return FitJob(
        study=study,
        model=model,
        manifest_path=dataset.manifest_path.absolute(),
        seed=search.seed,
        folder=live,
        data_loading=workflow.data_loading,
        accelerator=workflow.accelerator,
        epochs=search.epochs,
        name=next((name for name, known in study.models.items() if known is model), ""),
        loggers=tuple(section for section in workflow.loggers if section.kind == "tensorboard"),
    )


def _publish(
    study: Study,
    model: Model,
    search: Search,
    trials: list[Trial],
    best: Trial,
    identity: dict[str, str],
    folder: Path,
) -> None:
    from bevatron.search.plot import search_png

    checkpoint = model.training.checkpoint
    publish_text(folder / "trials.csv", trials_csv(search, checkpoint, trials))
    publish_bytes(folder / "search.png", search_png(f"{study.name}, {model.title}", search, checkpoint, trials, best))
    names: tuple[SearchFile, ...] = ("trials.csv", "search.png")
    files: dict[SearchFile, str] = {name: sha256_of(folder / name) for name in names}
    write_search(folder / "search.json", search_record(search, trials, identity, files))
    values = best_values(search, checkpoint, trials, best, identity)
    publish_text(folder / "best.yaml", dump_yaml(with_checksum(values)))
    log.info("best of %d trials: trial %d, val_loss %.4g", len(trials), best.number, values["val_loss"])


def _forget_fits(live: Path) -> None:
    """Remove the ended trials' fits, which can be large; the trial log stays."""
    for fit in live.glob("trial-*"):
        if not (fit / "failure.txt").exists():
            with suppress(OSError):
                shutil.rmtree(fit)
