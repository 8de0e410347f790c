"""The stage export: one ONNX file for each seed, checked against PyTorch, and a model card."""

import logging
import time
from pathlib import Path
from typing import Any

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.store.files.checksum import with_checksum
from bevatron.store.files.publish import publish_bytes, publish_json, publish_text, sha256_of
from bevatron.store.shards.manifest import Manifest, load_manifest
from bevatron.training.runs import read_runs

log = logging.getLogger("bevatron")
SCHEMA_VERSION = 1


def export_model(
    study: Study,
    workflow: Workflow,
    name: str,
    manifest_path: Path,
    runs: Path,
    folder: Path,
    metrics: Path | None = None,
    seeds: list[int] | None = None,
) -> None:
    """Publish `seed-N.onnx`, `card.md` and `export.json` of `study.models[name]` in `folder`.

    seeds: of which runs; default: all. metrics: the model's metrics.json, for the card. Raises UserError for a
    network that ONNX cannot express, and one whose ONNX model differs from it by more than the tolerance: then
    nothing is written.
    """
    from bevatron.export.card import card

    started = time.perf_counter()
    manifest = load_manifest(manifest_path, dataset_digest(study))
    trained = read_runs(runs, study.name, name, manifest.sha256)
    measured = None
    if metrics is not None:
        from bevatron.export.evaluated import load_metrics

        measured = load_metrics(metrics, study.name, name, manifest.sha256, trained["runs"])
    chosen = [run for run in trained["runs"] if seeds is None or run["seed"] in seeds]
    if unknown := sorted(set(seeds or ()) - {run["seed"] for run in chosen}):
        raise UserError(runs, f"has no run of seed {unknown[0]}", f"it has: {_listed(trained['runs'])}")

    made = _models(study, workflow, name, manifest, manifest_path, runs.parent, chosen)
    exports = []
    for run, (content, facts) in zip(chosen, made, strict=True):
        path = folder / f"seed-{run['seed']}.onnx"
        publish_bytes(path, content)
        exports.append(
            {"seed": run["seed"], "run": run["digest"], "file": path.name, "sha256": sha256_of(path), **facts}
        )
    publish_text(folder / "card.md", card(study, name, manifest, trained, exports, measured))
    tree = {
        "schema_version": SCHEMA_VERSION,
        "study": study.name,
        "model": name,
        "manifest_sha256": manifest.sha256,
        "exports": exports,
    }
    publish_json(folder / "export.json", with_checksum(tree))
    worst = max(max(export["checked"]["largest_difference"].values()) for export in exports)
    log.info(
        "%s/%s: %d ONNX models in %.1f s, at most %.2g from PyTorch on %d test samples",
        study.name, name, len(exports), time.perf_counter() - started, worst, exports[0]["checked"]["samples"],
    )  # fmt: skip


def _models(
    study: Study, workflow: Workflow, name: str, manifest: Manifest, path: Path, place: Path, runs: list[dict[str, Any]]
) -> list[tuple[bytes, dict[str, Any]]]:
    """Each run's ONNX file and what export.json says of it."""
    from bevatron.compute.numerics.devices import deterministic
    from bevatron.export import agreement, graph
    from bevatron.export.metadata import metadata
    from bevatron.models.network import load_network

    graph.check_packages()
    model, classification = study.models[name], study.task.kind == "classification"
    graph.check_exportable(model.architecture.kind, f"{study.name}/{name}")
    made = []
    with deterministic(model.training.threads):
        columns = agreement.real_samples(manifest, path, model.inputs, workflow.data_loading.memory_budget_gb * 1e9)
        few = tuple(column[:1].repeat(4, *(1 for _ in column.shape[1:])) for column in columns)
        for run in runs:
            where = f"{study.name}/{name} seed {run['seed']}"
            network = load_network(place / run["folder"])
            plain = graph.Plain(network, classification).eval()
            inputs = graph.input_ports(network.spec.inputs, columns)
            outputs = graph.output_ports(network, classification)
            proto = graph.onnx_model(plain, few, inputs, outputs, where)
            content = proto.SerializeToString(deterministic=True)
            found = agreement.agreement(content, plain, columns, inputs, outputs, model.training.threads)
            agreement.check_agreement(found, where)
            props = metadata(study, name, manifest, run, network, inputs, outputs, found)
            for key, value in sorted(props.items()):
                proto.metadata_props.add(key=key, value=value)
            checked = {
                "samples": found.samples,
                "largest_difference": found.differences,
                "tolerance": agreement.TOLERANCE,
            }
            ports = {"inputs": [port.name for port in inputs], "outputs": [port.name for port in outputs]}
            made.append((proto.SerializeToString(deterministic=True), {**ports, "checked": checked}))
    return made


def _listed(runs: list[dict[str, Any]]) -> str:
    return ", ".join(str(run["seed"]) for run in runs)
