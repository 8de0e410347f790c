"""The one function that fits a model: used by the train stage, and by the search stage inside its trials."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.loggers.logger import Logger

from bevatron.compute.distributed.distributed_context import SINGLE_PROCESS, DistributedContext
from bevatron.compute.numerics.devices import deterministic, device_for
from bevatron.compute.numerics.memory import keep_freed_memory
from bevatron.compute.numerics.reproducibility import reproducible
from bevatron.config.loading.identity import dataset_digest
from bevatron.config.loading.kinds import LEARNERS
from bevatron.config.sections.task import Regression
from bevatron.errors import SystemFault, UserError
from bevatron.json_text import read_json
from bevatron.models.closed_form import ClosedFormModel
from bevatron.models.network import Network, NetworkSpec, draw_network, load_network, load_spec, weights_bytes
from bevatron.regular_files import read_bytes
from bevatron.store.files.checksum import check_checksum, with_checksum
from bevatron.store.files.publish import publish_json, publishing, sha256_of
from bevatron.store.shards.dataset import Dataset
from bevatron.store.shards.manifest import Manifest, load_manifest
from bevatron.store.shards.target_form import check_target_form
from bevatron.store.shards.target_statistics import TargetStatistics
from bevatron.training.auxiliary import auxiliary_specs, auxiliary_statistics
from bevatron.training.auxiliary_losses import AuxiliaryLosses
from bevatron.training.check_inputs import check_inputs
from bevatron.training.checkpoint import (
    BackgroundCheckpointIO,
    Checkpointing,
    chunk_number,
    find_newest_valid,
    forget_checkpoints,
)
from bevatron.training.class_balance import class_weights
from bevatron.training.collate import input_groups
from bevatron.training.compilation import compiled_network
from bevatron.training.data import DataModule
from bevatron.training.environment import EnvironmentRecord, training_environment
from bevatron.training.fit_closed_form import fit_closed_form
from bevatron.training.history import History
from bevatron.training.job import FitJob, FitResult
from bevatron.training.learner import Learner
from bevatron.training.learning_rate import warn_of_warm_up
from bevatron.training.loggers import make_loggers
from bevatron.training.loss_weights import check_negative_weights, make_loss_weights
from bevatron.training.precision import half_precision
from bevatron.training.progress import Progress
from bevatron.training.reading_order import training_order
from bevatron.training.run_progress import ProgressFile, RunProgress
from bevatron.training.strategies import ContextEnvironment, make_strategy
from bevatron.versions import versions

log = logging.getLogger("bevatron")
WEIGHTS, HISTORY, RESULT, MODEL = "weights.safetensors", "history.csv", "result.json", "model.json"
MADE = ("versions", "order", "environments", "reproducible")
CPU = torch.device("cpu")
INPUT_BOUND = 0.2  # fraction of the time spent waiting for data above which a training is input-bound


def fit(
    job: FitJob,
    on_validation: Callable[[dict[str, Any]], None] | None = None,
    context: DistributedContext = SINGLE_PROCESS,
) -> FitResult:
    """Fit the job's model; its folder then holds weights.safetensors, history.csv and result.json.

    A folder with a valid checkpoint is continued and ends with the same weights, bit for bit, as a fit that was never
    interrupted on the same kind of device. `on_validation` is called with each row of the history; an exception it
    raises ends the fit and passes through.

    With several workers all call this function with the same job, and all get the result; one of them writes.
    The batches are those of one worker alone, and a fit may go on with another number of workers; its weights are then
    the same but for rounding (and dropout's draws).

    An architecture that is solved (`models.closed_form`) takes no steps: it is fitted at once, by one worker.

    Raises Diverged when the loss is no longer finite, UserError for a dataset that is damaged or of another
    configuration.
    """
    job.folder.mkdir(parents=True, exist_ok=True)
    finished = context.broadcast(load_finished_fit(job) if context.is_rank_zero else None)
    if finished is not None:
        if context.is_rank_zero:
            forget_checkpoints(job.folder)  # of a fit that was killed between its result and their removal
        return finished
    manifest = load_manifest(job.manifest_path, dataset_digest(job.study))
    check_inputs(job, manifest)
    check_negative_weights(job, manifest)
    device = context.device or device_for(job.accelerator)
    with deterministic(job.model.training.threads), ProgressFile(job, context.is_rank_zero) as progress_file:
        data = DataModule(job, manifest, device, context)
        keep_freed_memory()
        try:
            return _run(job, manifest, data, on_validation, progress_file)
        finally:
            data.close()


def load_finished_fit(job: FitJob) -> FitResult | None:
    """The result of a fit that ended before, if its files are what they were; else the fit is made again."""
    try:
        stored = read_json(job.folder / RESULT)
        check_checksum(stored, job.folder / RESULT, "")
        whole = all(stored["files"][name] == sha256_of(job.folder / name) for name in (WEIGHTS, HISTORY))
        if whole and stored.keys() >= set(MADE):
            return FitResult(**stored["result"])
    except SystemFault:
        raise  # the fit may be whole: it is not made again because a disk was away
    except (OSError, ValueError, KeyError, TypeError, UserError):
        pass
    return None


def read_provenance(job: FitJob) -> dict[str, Any]:
    """How a finished fit was made: "versions" of the packages with which it ended, the "order" of its samples, the
    "environments" of its lives (`TrainingEnvironment` each), and whether it is "reproducible" bit for bit.
    """
    stored = read_json(job.folder / RESULT)
    return {key: stored[key] for key in MADE}


def describe(job: FitJob, manifest: Manifest) -> NetworkSpec:
    """The network that the job fits, without its weights."""
    task, target = job.study.task, manifest.target_info(job.target)
    check_target_form(job.manifest_path, task, job.target, target)
    learner = LEARNERS[task.kind]
    return NetworkSpec(
        architecture=job.model.architecture.model_dump(mode="json"),
        inputs=input_groups(manifest, job.model.inputs),
        n_outputs=learner.n_outputs(task, target),
        normalise="none" if job.members else job.model.normalise,  # members normalise for themselves
        class_subset=job.class_subset,
        members=tuple(load_spec(folder / MODEL) for folder in job.members.values()),
        outputs=learner.outputs(task, target),
        auxiliary=auxiliary_specs(job, manifest),
    )


def initial_network(job: FitJob, manifest: Manifest) -> Network:
    """The network with the weights that follow from the job's seed."""
    network = draw_network(
        describe(job, manifest),
        job.seed,
        manifest.statistics,
        _target_statistics(job, manifest),
        auxiliary_statistics(job, manifest),
    )
    if job.members:
        for member, folder in zip(network.architecture.members, job.members.values(), strict=True):
            member.load_state_dict(load_network(folder).state_dict())
    return network


def _target_statistics(job: FitJob, manifest: Manifest) -> tuple[TargetStatistics, ...]:
    """By which the target is scaled; empty where it is not. Raises UserError for a manifest that has none."""
    task, target = job.study.task, manifest.target_info(job.target)
    if not isinstance(task, Regression) or not task.is_scaled(target.n_numbers):
        return ()
    if job.target not in manifest.target_statistics:
        what = f"has no mean and standard deviation of the target '{job.target}', by which the task scales it"
        raise UserError(job.manifest_path, what, "run the stage prepare again, or set task.scaling: none")
    return manifest.target_statistics[job.target]


def _run(
    job: FitJob, manifest: Manifest, data: DataModule, on_validation: Any, progress_file: ProgressFile
) -> FitResult:
    network = initial_network(job, manifest)
    if job.model.training.memory_format == "channels_last":
        network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # torch's stub lacks it
    context = data.context
    if isinstance(network.architecture, ClosedFormModel):
        return _run_closed_form(job, data, network, on_validation)
    if network.normalise.same_bits_in_place and not _changes_inputs(job):
        network.normalise.inputs_are_normalised = data.normalise_in_memory(network.normalise)
    learner = make_learner(job, network, data)
    checkpoint = context.broadcast(find_newest_valid(job.folder) if context.is_rank_zero else None)
    if checkpoint is not None and context.is_rank_zero:
        log.info("%s: continues from %s", job.folder, checkpoint.name)
    if context.is_rank_zero:
        warn_of_warm_up(job.model.training, data.schedule.steps, job.folder)
    history = History(job.folder, on_validation, list(job.model.auxiliary))
    record = EnvironmentRecord(
        job.folder,
        training_environment(_threads(job), data.device, context, compiled=job.model.training.compile),
        context.is_rank_zero,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*LeafSpec.*")  # Lightning's own use of a function that torch retires
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*sync_dist=True.*")  # the loss is the same on all workers already
        warnings.filterwarnings("ignore", ".*`srun` command is available.*")  # the workflow asks Slurm, not Lightning
        io = BackgroundCheckpointIO()
        checkpointing = Checkpointing(job.folder, job.model.training.checkpoint_seconds, history, io)
        callbacks = [record, history, *_early_stopping(job), checkpointing]
        if context.is_rank_zero:
            callbacks.append(Progress(f"{job.study.name}: {job.model.title}, seed {job.seed}"))
            callbacks.append(RunProgress(progress_file, history))
        trainer = _trainer(job, data, callbacks, checkpoint, io)
        with compiled_network(job, network, context):
            trainer.fit(learner, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    if checkpointing.ended_on_request and learner.chunks_done < data.schedule.n_chunks:
        raise UserError(job.folder, "the fit was asked to end (SIGTERM) and saved its state", "run it again to go on")
    return _publish(job, data, learner, history, record.environments, continued=checkpoint is not None)


def make_learner(job: FitJob, network: Network, data: DataModule) -> Learner:
    """The learner of the job's task for this network and these data, with the weights of classes and samples."""
    of_samples = make_loss_weights(job, data.manifest, data.class_counts())
    of_pixels = job.study.task.kind == "segmentation"  # whose classes are not those of the samples with weights
    balanced = job.model.training.balance == "weights" and (of_samples is None or of_pixels)
    weights = class_weights(data.class_counts(), job.class_subset) if balanced else None
    auxiliary = AuxiliaryLosses(job, data.manifest, network) if job.model.auxiliary else None
    return LEARNERS[job.study.task.kind](job, network, data.schedule, weights, data.context, of_samples, auxiliary)


def _run_closed_form(job: FitJob, data: DataModule, network: Network, on_validation: Any) -> FitResult:
    """A fit without steps; it keeps no state on the way, so that a killed one starts from the beginning."""
    if data.context.size > 1:
        kind = job.model.architecture.kind
        raise UserError(job.folder, f"'{kind}' is fitted by one worker, not {data.context.size}", "ask for one worker")
    check_negative_weights(job, data.manifest, closed_form=True)
    balanced = job.model.training.balance != "none"
    of_samples = make_loss_weights(job, data.manifest, data.class_counts(), whole_split=True)
    weights = class_weights(data.class_counts(), job.class_subset) if balanced and of_samples is None else None
    result = fit_closed_form(job, data, network, weights, of_samples, on_validation)
    _write(
        job,
        data,
        weights_bytes(network),
        result,
        [training_environment(_threads(job), CPU, closed_form=True).as_dict()],
    )
    return result


def _changes_inputs(job: FitJob) -> bool:
    """Whether the steps change their samples, which they do in physical units."""
    training = job.model.training
    return training.augmentation is not None or training.adversarial is not None


def _threads(job: FitJob) -> int:
    return job.model.training.threads


def _early_stopping(job: FitJob) -> list[pl.Callback]:
    """Checked when a validation ends, so before the chunk's checkpoint is saved: left to itself Lightning checks after
    all other callbacks where an epoch is one chunk, and a checkpoint would hold the count of the validation before.
    """
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


def _trainer(
    job: FitJob,
    data: DataModule,
    callbacks: list[pl.Callback],
    checkpoint: Path | None,
    io: BackgroundCheckpointIO,
) -> pl.Trainer:
    training, context = job.model.training, data.context
    half = half_precision(context, data.device, job.model.title) if training.precision == "16-mixed" else []
    for name in ("pytorch_lightning", "lightning_fabric"):  # greetings and hints are not for a workflow's log
        logging.getLogger(name).setLevel(logging.ERROR)
    return pl.Trainer(
        accelerator="gpu" if data.device.type == "cuda" else "cpu",
        devices=1,
        num_nodes=context.size,  # to Lightning every worker is a node of one device
        strategy=make_strategy(context, data.device),
        default_root_dir=job.folder,
        max_epochs=data.schedule.n_chunks,
        check_val_every_n_epoch=data.schedule.chunks_per_interval,
        num_sanity_val_steps=0,
        callbacks=callbacks,
        logger=_loggers(job, data, checkpoint) if context.is_rank_zero else False,
        log_every_n_steps=1,
        precision=None if half else training.precision,
        plugins=[io, ContextEnvironment(context), *half],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def _loggers(job: FitJob, data: DataModule, checkpoint: Path | None) -> list[Logger]:
    """Those of the one worker that writes."""
    if checkpoint is None:
        return make_loggers(job, None)
    return make_loggers(job, data.schedule.chunk(chunk_number(checkpoint) - 1).last_step + 1)


def _publish(
    job: FitJob,
    data: DataModule,
    learner: Learner,
    history: History,
    environments: list[dict[str, Any]],
    continued: bool,
) -> FitResult:
    context = data.context
    learner.take_average()
    last_weights = weights_bytes(learner.network) if job.model.training.checkpoint == "last" else None
    last = history.rows[-1]
    samples = int(last["epoch"]) * data.samples_per_epoch
    result = FitResult(
        epochs=int(last["epoch"]),
        steps=int(last["step"]),
        best_epoch=history.best_epoch,
        best_val_loss=history.best_loss,
        last_val_loss=last["val_loss"],
        stopped_early=learner.chunks_done < data.schedule.n_chunks,
        samples=samples,
        seconds=history.seconds,
        samples_per_second=samples / history.seconds,
        data_wait=history.data_wait / history.seconds,
        workers=context.size,
        continued=int(continued),
        n_weights=learner.network.n_weights,
        auxiliary_losses=history.auxiliary_losses(job.model.training.checkpoint),
    )
    if context.is_rank_zero:
        history.publish()
        _write(job, data, last_weights or read_bytes(history.best_weights()), result, environments)
        if result.data_wait > INPUT_BOUND and data.device.type == "cuda":
            log.warning(
                "%s seed %d: %.0f %% of the time went into waiting for data: the training is input-bound",
                job.study.name, job.seed, 100 * result.data_wait,
            )  # fmt: skip
    return context.broadcast(result)


def _write(
    job: FitJob, data: DataModule, weights: bytes, result: FitResult, environments: list[dict[str, Any]]
) -> None:
    with publishing(job.folder / WEIGHTS) as temporary:
        temporary.write_bytes(weights)
    files = {name: sha256_of(job.folder / name) for name in (WEIGHTS, HISTORY)}
    provenance = {
        "versions": versions(),
        "order": training_order(job.study, job.model, Dataset(job.manifest_path, data.manifest), job.data_loading),
        "environments": environments,
        "reproducible": reproducible(environments),
    }
    publish_json(job.folder / RESULT, with_checksum({"result": result.as_dict(), "files": files, **provenance}))
    forget_checkpoints(job.folder)
