"""The one function that fits a model: used by the train stage, and by the search stage inside its trials."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.loggers import TensorBoardLogger

from bevatron.compute.devices import deterministic, device_for
from bevatron.compute.reproducibility import reproducible
from bevatron.compute.team import ALONE, Team
from bevatron.config.digest import seed_of
from bevatron.config.identity import dataset_digest
from bevatron.config.kinds import LEARNERS
from bevatron.errors import UserError
from bevatron.json_text import read_json
from bevatron.learning.checkpoint import (
    Checkpointing,
    DurableCheckpointIO,
    block_number,
    forget_checkpoints,
    newest_valid,
)
from bevatron.learning.data import DataModule
from bevatron.learning.densify import input_groups
from bevatron.learning.environment import EnvironmentRecord, training_environment
from bevatron.learning.history import History
from bevatron.learning.job import FitJob, FitResult
from bevatron.learning.learner import Learner
from bevatron.learning.precision import half_precision
from bevatron.learning.progress import Progress
from bevatron.learning.reading_order import training_order
from bevatron.learning.solve import solve
from bevatron.learning.strategies import TeamEnvironment, strategy_of
from bevatron.models.network import Description, Network, load_description, load_network, weights_bytes
from bevatron.models.solved import Solved
from bevatron.regular_files import read_bytes
from bevatron.store.manifest import Manifest, load_manifest
from bevatron.store.publish import publish_json, publishing, sha256_of
from bevatron.store.seal import refuse_broken_seal, sealed
from bevatron.versions import versions

log = logging.getLogger("bevatron")
WEIGHTS, HISTORY, RESULT, MODEL = "weights.safetensors", "history.csv", "result.json", "model.json"
MADE = ("versions", "order", "environments", "reproducible")
CPU = torch.device("cpu")
STARVED = 0.2  # share of the time spent waiting for data above which a device is said to starve


def fit(job: FitJob, on_validation: Callable[[dict[str, Any]], None] | None = None, team: Team = ALONE) -> FitResult:
    """Fit the job's model; its folder then holds weights.safetensors, history.csv and result.json.

    A folder with a valid checkpoint is continued and ends with the same weights, bit for bit, as a fit that was never
    interrupted on the same kind of device. `on_validation` is called with each row of the history; an exception it
    raises ends the fit and passes through.

    With a `team` all its workers call this function with the same job, and all get the result; one of them writes.
    The batches are those of one worker alone, and a fit may go on with another number of workers; its weights are then
    the same but for rounding (and dropout's draws).

    An architecture that is solved (`models.solved`) takes no steps: it is fitted at once, by one worker.

    Raises Diverged when the loss is no longer finite, UserError for a dataset that is damaged or of another
    configuration.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    finished = team.same(finished_fit(job) if team.leads else None)
    if finished is not None:
        if team.leads:
            forget_checkpoints(job.folder)  # of a fit that was killed between its result and their removal
        return finished
    manifest = load_manifest(job.manifest, dataset_digest(job.study))
    _check_inputs(job, manifest)
    device = team.device or device_for(job.accelerator)
    with deterministic(job.model.training.threads):
        data = DataModule(job, manifest, device, team)
        try:
            return _run(job, manifest, data, on_validation)
        finally:
            data.close()


def finished_fit(job: FitJob) -> FitResult | None:
    """The result of a fit that ended before, if its files are what they were; else the fit is made anew."""
    try:
        stored = read_json(job.folder / RESULT)
        refuse_broken_seal(stored, job.folder / RESULT, "")
        whole = all(stored["files"][name] == sha256_of(job.folder / name) for name in (WEIGHTS, HISTORY))
        if whole and stored.keys() >= set(MADE):
            return FitResult(**stored["result"])
    except (OSError, ValueError, KeyError, TypeError, UserError):
        pass
    return None


def how_made(job: FitJob) -> dict[str, Any]:
    """How a finished fit was made: "versions" of the packages with which it ended, the "order" of its samples, the
    "environments" of its lives (`TrainingEnvironment` each), and whether it is "reproducible" bit for bit.
    """
    stored = read_json(job.folder / RESULT)
    return {key: stored[key] for key in MADE}


def describe(job: FitJob, manifest: Manifest) -> Description:
    """The network that the job fits, without its weights."""
    task = job.study.task
    return Description(
        architecture=job.model.architecture.model_dump(mode="json"),
        inputs=input_groups(manifest, job.model.inputs),
        n_outputs=LEARNERS[task.kind].n_outputs(task, manifest.targets[job.target]),
        normalise="none" if job.members else job.model.normalise,  # members normalise for themselves
        question=job.question,
        members=tuple(load_description(folder / MODEL) for folder in job.members.values()),
    )


def initial_network(job: FitJob, manifest: Manifest) -> Network:
    """The network with the weights that follow from the job's seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("weights", job.seed))
        network = Network(describe(job, manifest), manifest.statistics)
    if job.members:
        for member, folder in zip(network.architecture.members, job.members.values(), strict=True):
            member.load_state_dict(load_network(folder).state_dict())
    return network


def _run(job: FitJob, manifest: Manifest, data: DataModule, on_validation: Any) -> FitResult:
    network = initial_network(job, manifest)
    if job.model.training.memory_format == "channels_last":
        network.to(memory_format=torch.channels_last)
    team = data.team
    if isinstance(network.architecture, Solved):
        return _solve(job, data, network, on_validation)
    weights = class_weights(data.class_counts(), job.question) if job.model.training.balance == "weights" else None
    learner: Learner = LEARNERS[job.study.task.kind](job, network, data.schedule, weights, team)
    checkpoint = team.same(newest_valid(job.folder) if team.leads else None)
    if checkpoint is not None and team.leads:
        log.info("%s: continues from %s", job.folder, checkpoint.name)
    history = History(job.folder, on_validation)
    record = EnvironmentRecord(job.folder, training_environment(_threads(job), data.device, team), team.leads)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*LeafSpec.*")  # Lightning's own use of a function that torch retires
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*sync_dist=True.*")  # the loss is the same on all workers already
        warnings.filterwarnings("ignore", ".*`srun` command is available.*")  # the workflow asks Slurm, not Lightning
        checkpointing = Checkpointing(job.folder, job.model.training.checkpoint_seconds, history)
        callbacks = [record, history, *_early_stopping(job), checkpointing]
        if team.leads:
            callbacks.append(Progress(f"{job.study.name}: {job.model.title}, seed {job.seed}"))
        trainer = _trainer(job, data, callbacks, checkpoint)
        trainer.fit(learner, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    if checkpointing.ended_on_request and learner.blocks_done < data.schedule.blocks:
        raise UserError(job.folder, "the fit was asked to end (SIGTERM) and saved its state", "run it again to go on")
    return _publish(job, data, learner, history, record.environments, continued=checkpoint is not None)


def _solve(job: FitJob, data: DataModule, network: Network, on_validation: Any) -> FitResult:
    """A fit without steps; it keeps no state on the way, so that a killed one starts anew."""
    if data.team.size > 1:
        kind = job.model.architecture.kind
        raise UserError(job.folder, f"'{kind}' is fitted by one worker, not {data.team.size}", "ask for one worker")
    weights = None if job.model.training.balance == "none" else class_weights(data.class_counts(), job.question)
    result = solve(job, data, network, weights, on_validation)
    _write(job, data, weights_bytes(network), result, [training_environment(_threads(job), CPU, solved=True).as_dict()])
    return result


def _threads(job: FitJob) -> int:
    return job.model.training.threads


def _early_stopping(job: FitJob) -> list[pl.Callback]:
    """Checked when a validation ends, so before the block's checkpoint is saved: left to itself Lightning checks after
    all other callbacks where an epoch is one block, and a checkpoint would hold the count of the validation before."""
    stopping = job.model.training.early_stopping
    if stopping is None or job.epochs is not None:
        return []
    return [
        EarlyStopping(
            "val_loss",
            patience=stopping.patience,
            min_delta=stopping.min_delta,
            check_finite=False,
            check_on_train_epoch_end=False,
        )
    ]


def _trainer(job: FitJob, data: DataModule, callbacks: list[pl.Callback], checkpoint: Path | None) -> pl.Trainer:
    training, team = job.model.training, data.team
    half = half_precision(team, data.device, job.model.title) if training.precision == "16-mixed" else []
    for name in ("pytorch_lightning", "lightning_fabric"):  # greetings and hints are not for a workflow's log
        logging.getLogger(name).setLevel(logging.ERROR)
    return pl.Trainer(
        accelerator="gpu" if data.device.type == "cuda" else "cpu",
        devices=1,
        num_nodes=team.size,  # to Lightning every worker is a node of one device
        strategy=strategy_of(team, data.device),
        default_root_dir=job.folder,
        max_epochs=data.schedule.blocks,
        check_val_every_n_epoch=data.schedule.blocks_per_round,
        num_sanity_val_steps=0,
        callbacks=callbacks,
        logger=_tensorboard(job, data, checkpoint) if team.leads else False,
        log_every_n_steps=1,
        precision=None if half else training.precision,
        plugins=[DurableCheckpointIO(), TeamEnvironment(team), *half],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def _tensorboard(job: FitJob, data: DataModule, checkpoint: Path | None) -> TensorBoardLogger:
    """Events after the checkpoint belong to a life that was killed: TensorBoard is told to forget them."""
    purge = {}
    if checkpoint is not None:
        purge["purge_step"] = data.schedule.block(block_number(checkpoint) - 1).last_step + 1
    return TensorBoardLogger(job.folder, name="", version="tensorboard", **purge)


def _publish(
    job: FitJob,
    data: DataModule,
    learner: Learner,
    history: History,
    environments: list[dict[str, Any]],
    continued: bool,
) -> FitResult:
    team = data.team
    last_weights = weights_bytes(learner.network) if job.model.training.keep == "last" else None
    last = history.rows[-1]
    samples = int(last["epoch"]) * data.samples_per_epoch
    result = FitResult(
        epochs=int(last["epoch"]),
        steps=int(last["step"]),
        best_epoch=history.best_epoch,
        best_val_loss=history.best_loss,
        last_val_loss=last["val_loss"],
        stopped_early=learner.blocks_done < data.schedule.blocks,
        samples=samples,
        seconds=history.seconds,
        samples_per_second=samples / history.seconds,
        waited=history.waited / history.seconds,
        workers=team.size,
        continued=int(continued),
        n_weights=learner.network.n_weights,
    )
    if team.leads:
        history.publish()
        _write(job, data, last_weights or read_bytes(history.best_weights()), result, environments)
        if result.waited > STARVED and data.device.type == "cuda":
            log.warning(
                "%s seed %d: %.0f %% of the time went into waiting for data: the GPU starves",
                job.study.name, job.seed, 100 * result.waited,
            )  # fmt: skip
    return team.same(result)


def _write(
    job: FitJob, data: DataModule, weights: bytes, result: FitResult, environments: list[dict[str, Any]]
) -> None:
    with publishing(job.folder / WEIGHTS) as temporary:
        temporary.write_bytes(weights)
    files = {name: sha256_of(job.folder / name) for name in (WEIGHTS, HISTORY)}
    made = {
        "versions": versions(),
        "order": training_order(job.study, job.model, data.manifest, job.manifest, job.reading),
        "environments": environments,
        "reproducible": reproducible(environments),
    }
    publish_json(job.folder / RESULT, sealed({"result": result.as_dict(), "files": files, **made}))
    forget_checkpoints(job.folder)


def class_weights(counts: list[int], question: tuple[int, ...] | None = None) -> torch.Tensor:
    """Weights inverse to the classes' shares of the samples, of mean one over them; 0 of a class without any.

    With a question its classes alone count, and the others' weights are zero.
    """
    n = torch.tensor(counts, dtype=torch.float32)
    if question is not None:
        asked = torch.zeros(len(n), dtype=torch.bool)
        asked[list(question)] = True
        n = torch.where(asked, n, 0.0)
    return torch.where(n > 0, n.sum() / ((n > 0).sum() * n), 0.0)


def _check_inputs(job: FitJob, manifest: Manifest) -> None:
    for kind, asked, known in (
        ("input group", job.model.inputs, manifest.groups),
        ("target", [job.target], manifest.targets),
    ):
        for name in asked:
            if name not in known:
                raise UserError(job.manifest, f"has no {kind} '{name}'", f"it has: {', '.join(known)}")
