"""The stage export: one ONNX file for each seed, checked against PyTorch, and a model card."""

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.errors import UserError
from bevatron.regular_files import is_file
from bevatron.store.files.publish import publish_bytes, publish_text, sha256_of
from bevatron.store.records.export import AgreementRecord, ExportedModel, ExportRecord, write_export
from bevatron.store.records.metrics import MetricsRecord, read_metrics
from bevatron.store.records.preprocessing import FILE, PreprocessingRecord, preprocessing_text, read_preprocessing
from bevatron.store.records.record import check_made_for
from bevatron.store.records.runs import RunRecord, RunsRecord, load_runs
from bevatron.store.shards.dataset import Dataset, load_dataset

if TYPE_CHECKING:
    from bevatron.export.port import Port

log = logging.getLogger("bevatron")


def export_model(
    study: Study,
    workflow: Workflow,
    name: str,
    manifest_path: Path,
    runs_path: Path,
    folder: Path,
    metrics_path: Path | None = None,
    seeds: list[int] | None = None,
) -> None:
    """Publish `seed-N.onnx`, `card.md` and `export.json` of `study.models[name]` in `folder`.

    seeds: of which runs; default: all. metrics_path: the model's metrics.json, for the card. Raises UserError for a
    network that ONNX cannot express, and one whose ONNX model differs from it by more than the tolerance: then
    nothing is written.
    """
    from bevatron.export.card import write_card

    started = time.perf_counter()
    dataset = load_dataset(manifest_path, dataset_digest(study))
    dataset.check_one_network()
    manifest = dataset.manifest
    trained = load_runs(runs_path, study.name, name, manifest.sha256)
    metrics = None
    if metrics_path is not None:
        metrics = read_metrics(metrics_path, study.name, name)
        _check_same_runs(metrics_path, metrics, trained)
    selected = [run for run in trained.runs if seeds is None or run.seed in seeds]
    if unknown := sorted(set(seeds or ()) - {run.seed for run in selected}):
        known = ", ".join(str(run.seed) for run in trained.runs)
        raise UserError(runs_path, f"has no run of seed {unknown[0]}", f"it has: {known}")

    files = _make_models(study, workflow, name, dataset, runs_path.parent, selected)
    exports = []
    for run, (content, facts) in zip(selected, files, strict=True):
        path = folder / f"seed-{run.seed}.onnx"
        publish_bytes(path, content)
        exports.append(ExportedModel(seed=run.seed, run=run.digest, file=path.name, sha256=sha256_of(path), **facts))
    heads = _auxiliary_ports(runs_path.parent / selected[0].folder)
    publish_text(folder / "card.md", write_card(study, name, manifest, trained, exports, metrics, heads))
    record = ExportRecord(study=study.name, model=name, manifest_sha256=manifest.sha256, exports=tuple(exports))
    write_export(folder / "export.json", record)
    worst = max(max(export.agreement.largest_difference.values()) for export in exports)
    log.info(
        "%s/%s: %d ONNX models in %.1f s, at most %.2g from PyTorch on %d test samples",
        study.name, name, len(exports), time.perf_counter() - started, worst, exports[0].agreement.samples,
    )  # fmt: skip


def _auxiliary_ports(folder: Path) -> "list[Port]":
    """The outputs of the auxiliary tasks of the network in `folder`."""
    from bevatron.export.auxiliary import auxiliary_ports
    from bevatron.models.network import load_spec

    return auxiliary_ports(load_spec(folder / "model.json"))


def _check_same_runs(path: Path, metrics: MetricsRecord, trained: RunsRecord) -> None:
    """Raises UserError unless the metrics are those of the runs, on the runs' dataset; of a cross-validation, whose
    metrics are those of all folds, unless the runs are among them. A run's digest holds that of its dataset.
    """
    expected = [run.digest for run in trained.runs]
    if trained.folds is None:
        same = metrics.manifest_sha256 == trained.manifest_sha256 and [run.digest for run in metrics.runs] == expected
    else:
        same = [run.digest for run in metrics.runs if run.fold == trained.folds.left_out] == expected
    if not same:
        again = f"run `bevatron evaluate {trained.study} {trained.model}` again"
        raise UserError(path, "holds the metrics of other runs or data", again)


def _preprocessing(path: Path, study: str, model: str, manifest_sha256: str) -> PreprocessingRecord | None:
    """What the ONNX files say of how files become inputs; None where the model's folder does not say so."""
    if not is_file(path):
        log.warning("%s/%s: without %s beside runs.json `bevatron apply` cannot use its ONNX files", study, model, FILE)
        return None
    record = read_preprocessing(path, study, model)
    check_made_for(path, record, f"bevatron train {study} {model}", manifest_sha256=manifest_sha256)
    return record


def _make_models(
    study: Study, workflow: Workflow, name: str, dataset: Dataset, folder: Path, runs: list[RunRecord]
) -> list[tuple[bytes, dict[str, Any]]]:
    """Each run's ONNX file and what export.json says of it; folder: that of the runs' folders."""
    from bevatron.compute.numerics.devices import deterministic
    from bevatron.export import agreement, graph
    from bevatron.export.metadata import PREPROCESSING, metadata
    from bevatron.models.network import load_network

    graph.check_packages()
    preprocessing = _preprocessing(folder / FILE, study.name, name, dataset.manifest.sha256)
    model, answers = study.models[name], graph.ANSWERS.get(study.task.kind, "numbers")
    graph.check_exportable(model.architecture.kind, f"{study.name}/{name}")
    files = []
    with deterministic(model.training.threads):
        columns = agreement.read_samples(dataset, model.inputs, workflow.data_loading.memory_budget_gb * 1e9)
        first_rows = tuple(column[:1].repeat(4, *(1 for _ in column.shape[1:])) for column in columns)
        for run in runs:
            where = f"{study.name}/{name} seed {run.seed}"
            network = load_network(folder / run.folder)
            plain = graph.Plain(network, answers).eval()
            inputs = graph.input_ports(network.spec.inputs, columns)
            outputs = graph.output_ports(network, answers)
            proto = graph.onnx_model(plain, first_rows, inputs, outputs, where)
            content = proto.SerializeToString(deterministic=True)
            measured = agreement.measure_agreement(content, plain, columns, inputs, outputs, model.training.threads)
            agreement.check_agreement(measured, where)
            props = metadata(study, name, dataset.manifest, run, network, inputs, outputs, measured)
            if preprocessing is not None:
                props[PREPROCESSING] = preprocessing_text(preprocessing)
            for key, value in sorted(props.items()):
                proto.metadata_props.add(key=key, value=value)
            record = AgreementRecord(
                samples=measured.samples, largest_difference=measured.differences, tolerance=agreement.TOLERANCE
            )
            ports = {
                "inputs": tuple(port.name for port in inputs),
                "outputs": tuple(port.name for port in outputs),
            }
            files.append((proto.SerializeToString(deterministic=True), {**ports, "agreement": record}))
    return files
