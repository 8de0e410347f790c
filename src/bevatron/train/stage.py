"""Train all seeds of one model: live state in `runs/<digest>/`, finished artefacts in the model's folder."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from bevatron.config.identity import dataset_digest, run_digest
from bevatron.config.model import Model
from bevatron.config.study import Study
from bevatron.config.workflow import Workflow
from bevatron.errors import UserError
from bevatron.learning.fit import describe, fit
from bevatron.learning.job import Diverged, FitJob, FitResult
from bevatron.store.manifest import Manifest, load_manifest
from bevatron.store.publish import publish_json, publishing, sha256_of
from bevatron.train.lock import sole_owner

log = logging.getLogger("bevatron")
SCHEMA_VERSION = 1


def train_model(
    study: Study, workflow: Workflow, name: str, manifest_path: Path, best: Path | None, folder: Path
) -> None:
    """Fit `study.models[name]` with every seed and publish `seed-N/` and `runs.json` in `folder`.

    A run that is finished in `runs/` is not fitted again; one that was killed goes on. Raises UserError for a run
    that diverges.
    """
    manifest = load_manifest(manifest_path, dataset_digest(study))
    model = with_search_result(study.models[name], best)
    runs = [_run(study, workflow, name, model, manifest, manifest_path, seed, folder) for seed in range(study.seeds)]
    publish_json(
        folder / "runs.json",
        {
            "schema_version": SCHEMA_VERSION,
            "study": study.name,
            "model": name,
            "manifest_sha256": manifest.sha256,
            "dataset_digest": manifest.dataset_digest,
            "settings": model.model_dump(mode="json", exclude={"search"}),
            "runs": runs,
        },
    )


def with_search_result(model: Model, best: Path | None) -> Model:
    """The model with the values of best.yaml put in."""
    if model.search is None:
        return model
    if best is None:
        raise UserError("--best", "this model is searched, and no best.yaml is given", "run `bevatron search` first")
    try:
        values = yaml.safe_load(best.read_text(encoding="utf-8"))["values"]
        return model.with_values(values)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise UserError(best, f"is no result of this model's search: {error}", "run `bevatron search` again") from None


def _run(
    study: Study,
    workflow: Workflow,
    name: str,
    model: Model,
    manifest: Manifest,
    manifest_path: Path,
    seed: int,
    folder: Path,
) -> dict[str, Any]:
    digest = run_digest(study, model, manifest.sha256, seed)
    live = Path(workflow.runs).resolve() / digest[:20]
    job = FitJob(study, model, manifest_path, seed, live, workflow.reading, workflow.accelerator)
    with sole_owner(live):
        try:
            result = fit(job)
        except Diverged as error:
            raise UserError(f"{study.name}/{name} seed {seed}", str(error), "lower training.learning_rate") from None
        log.info(
            "%s/%s seed %d: %d epochs, validation loss %.5g (best %.5g at epoch %d), %s samples/s",
            study.name, name, seed, result.epochs, result.last_val_loss, result.best_val_loss, result.best_epoch,
            f"{result.samples_per_second:,.0f}",
        )  # fmt: skip
        return _published(job, digest, result, manifest, folder / f"seed-{seed}")


def _published(job: FitJob, digest: str, result: FitResult, manifest: Manifest, target: Path) -> dict[str, Any]:
    """Copy a finished run's artefacts into the model's folder; what runs.json says of it."""
    target.mkdir(parents=True, exist_ok=True)
    for file in ("weights.safetensors", "history.csv"):
        with publishing(target / file) as temporary:
            temporary.write_bytes((job.folder / file).read_bytes())
    publish_json(target / "model.json", _model_json(job, digest, manifest))
    publish_json(target / "run.json", {"digest": digest, "seed": job.seed, **result.as_dict()})
    files = ("weights.safetensors", "model.json", "history.csv", "run.json")
    return {
        "seed": job.seed,
        "digest": digest,
        "folder": target.name,
        "files": {file: sha256_of(target / file) for file in files},
        **result.as_dict(),
    }


def _model_json(job: FitJob, digest: str, manifest: Manifest) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "study": job.study.name,
        "run": digest,
        "task": job.study.task.model_dump(mode="json"),
        "target": job.target,
        "network": asdict(describe(job, manifest)),
    }
