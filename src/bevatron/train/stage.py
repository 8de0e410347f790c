"""Train all seeds of one model: live state in `runs/<digest>/`, finished artefacts in the model's folder."""

import logging
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from bevatron.compute.process.lock import sole_owners
from bevatron.compute.slurm.deadline import sigterm_before_the_end
from bevatron.compute.slurm.resource_request import ONE_NODE, ResourceRequest
from bevatron.config.loading.identity import dataset_digest, run_digest
from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.config.loading.project_modules import code_digests
from bevatron.config.sections.model import Model
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.models.closed_form import ClosedFormModel
from bevatron.regular_files import read_bytes
from bevatron.store.files.publish import publish_json, publishing, sha256_of
from bevatron.store.records.best import read_best
from bevatron.store.records.runs import RunRecord, RunsRecord, write_runs
from bevatron.store.shards.dataset import Dataset, load_dataset
from bevatron.store.shards.manifest import Manifest
from bevatron.train.environments import environment_here, warn_of_differences
from bevatron.train.members import member_weights, select_members
from bevatron.train.preprocessing import publish_preprocessing
from bevatron.train.together import divergence_error, fit_together
from bevatron.training.fit import describe, fit, read_provenance
from bevatron.training.job import Diverged, FitJob, FitResult
from bevatron.training.reading_order import training_order

log = logging.getLogger("bevatron")
SCHEMA_VERSION = 1


def train_model(
    study: Study,
    workflow: Workflow,
    name: str,
    manifest_path: Path,
    best: Path | None,
    folder: Path,
    request: ResourceRequest = ONE_NODE,
    workers: int = 1,
    members: dict[str, Path] | None = None,
) -> None:
    """Fit `study.models[name]` with every seed and publish `seed-N/`, `preprocessing.json` and `runs.json` in `folder`.

    A run that is finished in `runs/` is not fitted again; one that was killed goes on; one on which another process
    works is waited for. Several `workers` fit each
    seed together, over the nodes of `request`. `members`: of a committee, the runs.json of each member by its name;
    each seed takes the members' runs of that seed, or of the seed modulo their number. Raises UserError for a run that
    diverges, and for members that are missing, damaged or of another dataset.
    """
    dataset = load_dataset(manifest_path, dataset_digest(study))
    dataset.check_one_network()
    model = with_search_result(study.models[name], best)
    chosen = select_members(study, name, model, dataset, members or {})
    jobs = [_job(study, workflow, name, model, dataset, seed, chosen) for seed in range(study.n_seeds)]
    if workers > 1 and issubclass(ARCHITECTURES[model.architecture.kind], ClosedFormModel):
        log.info("%s/%s: '%s' is fitted by one worker", study.name, name, model.architecture.kind)
        workers = 1
    with ExitStack() as stack:
        stack.enter_context(sigterm_before_the_end(workflow.grace_seconds))
        stack.enter_context(sole_owners([job.folder for job in jobs], "run"))
        if workers > 1:
            fit_together(name, jobs, workflow, request, workers)
        runs = tuple(_run(job, name, dataset, folder) for job in jobs)
    warn_of_differences(f"{study.name}/{name}", runs, environment_here(jobs[0], workers, workflow.workers.strategy))
    record = RunsRecord(
        study=study.name,
        model=name,
        manifest_sha256=dataset.manifest.sha256,
        dataset_digest=dataset.manifest.dataset_digest,
        settings=model.model_dump(mode="json", exclude={"search"}),
        folds=dataset.manifest.folds,
        runs=runs,
    )
    publish_preprocessing(study, name, model, dataset, folder)
    write_runs(folder / "runs.json", record)


def with_search_result(model: Model, best: Path | None) -> Model:
    """The model with the values of best.yaml put in."""
    if model.search is None:
        return model
    if best is None:
        raise UserError("--best", "this model is searched, and no best.yaml is given", "run `bevatron search` first")
    values = read_best(best, "bevatron search")["values"]
    try:
        return model.with_values(values)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(best, f"is no result of this model's search: {error}", "run `bevatron search` again") from None


def _job(
    study: Study,
    workflow: Workflow,
    name: str,
    model: Model,
    dataset: Dataset,
    seed: int,
    members: dict[str, list[Path]],
) -> FitJob:
    folders = {member: runs[seed % len(runs)] for member, runs in members.items()}
    job = FitJob(
        study,
        model,
        dataset.manifest_path.resolve(),
        seed,
        Path(),
        workflow.data_loading,
        workflow.accelerator,
        members=folders,
        name=name,
        loggers=tuple(workflow.loggers),
        fold=None if dataset.manifest.folds is None else dataset.manifest.folds.left_out,
    )
    return replace(job, folder=Path(workflow.runs_dir).resolve() / _digest(job, dataset)[:20])


def _digest(job: FitJob, dataset: Dataset) -> str:
    order = training_order(job.study, job.model, dataset, job.data_loading)
    return run_digest(job.study, job.model, dataset.manifest.sha256, job.seed, order, member_weights(job.members))


def _run(job: FitJob, name: str, dataset: Dataset, folder: Path) -> RunRecord:
    """Fit a job that is not finished yet, and publish it; what runs.json says of it."""
    try:
        result = fit(job)
    except Diverged as error:
        raise divergence_error(name, job, error) from None
    fold = f" {dataset.manifest.folds}" if dataset.manifest.folds else ""
    log.info(
        "%s/%s%s seed %d: %d epochs, validation loss %.5g (best %.5g at epoch %d), %s samples/s, %.0f %% of the time "
        "waiting for data",
        job.study.name, name, fold, job.seed, result.epochs, result.last_val_loss, result.best_val_loss,
        result.best_epoch, f"{result.samples_per_second:,.0f}", 100 * result.data_wait,
    )  # fmt: skip
    return _publish(job, result, dataset, folder / f"seed-{job.seed}")


def _publish(job: FitJob, result: FitResult, dataset: Dataset, target: Path) -> RunRecord:
    """Copy a finished run's artefacts into the model's folder; what runs.json says of it."""
    digest = _digest(job, dataset)
    target.mkdir(parents=True, exist_ok=True)
    for file in ("weights.safetensors", "history.csv"):
        with publishing(target / file) as temporary:
            temporary.write_bytes(read_bytes(job.folder / file))
    publish_json(target / "model.json", _model_json(job, digest, dataset.manifest))
    made = read_provenance(job)
    publish_json(target / "run.json", {"digest": digest, "seed": job.seed, **made, **result.as_dict()})
    files = ("weights.safetensors", "model.json", "history.csv", "run.json")
    return RunRecord(
        seed=job.seed,
        fold=None if dataset.manifest.folds is None else dataset.manifest.folds.left_out,
        digest=digest,
        folder=target.name,
        files={file: sha256_of(target / file) for file in files},
        members=member_weights(job.members),
        **made,
        **result.as_dict(),
    )


def _model_json(job: FitJob, digest: str, manifest: Manifest) -> dict[str, Any]:
    spec = describe(job, manifest)
    code = code_digests(*map(ARCHITECTURES.__getitem__, sorted(spec.kinds)))
    return {
        "schema_version": SCHEMA_VERSION,
        "study": job.study.name,
        "run": digest,
        "task": job.study.task.model_dump(mode="json"),
        "target": job.target,
        "network": spec.as_payload(),
        **({"project_code": code} if code else {}),
    }
