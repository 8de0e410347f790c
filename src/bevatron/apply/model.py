"""A trained model by the path that a user names: its folder, one of its seeds, an export's folder, or an ONNX file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bevatron.apply.networks import Networks
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.regular_files import is_file, is_there
from bevatron.store.files.publish import sha256_of
from bevatron.store.records.export import ExportRecord
from bevatron.store.records.preprocessing import FILE, PreprocessingRecord, read_preprocessing
from bevatron.store.records.record import check_made_for, read_record
from bevatron.store.records.runs import RunsRecord, load_runs

RUNS, EXPORT = "runs.json", "export.json"


@dataclass(frozen=True)
class AppliedModel:
    """The networks of some seeds, and what turns files into their inputs; fold: of one fold's networks which they have
    not learned from; settings: of the model, as its runs say them.
    """

    path: Path
    record: PreprocessingRecord
    data: DataPart
    seeds: tuple[int, ...]
    networks: Networks
    fold: int | None = None
    settings: dict[str, Any] | None = None


def open_model(path: Path, seed: int | None, accelerator: str) -> AppliedModel:
    """The model at `path`, of all its seeds or of one: one without folds, or of one fold.

    Raises UserError for a path that is no model, a file of the model that is missing or damaged, a seed that it does
    not have, and a model made by other code than this Bevatron's.
    """
    if path.suffix == ".onnx":
        return _of_onnx_files(path, [path], seed)
    if is_file(path / RUNS):
        return _of_runs(path, path, seed, accelerator)
    if is_file(path / EXPORT):
        return _of_export(path, seed)
    parent = path.absolute().parent
    if is_file(path / "model.json") and is_file(parent / RUNS):
        return _of_runs(path, parent, seed, accelerator, path.absolute().name)
    what = f"holds no {RUNS} and no {EXPORT}" if is_there(path) else "no such file or folder"
    todo = "name results/STUDY/models/MODEL, its seed-N, results/STUDY/export/MODEL, or an ONNX file there"
    raise UserError(path, what, todo)


def _of_runs(path: Path, folder: Path, seed: int | None, accelerator: str, name: str | None = None) -> AppliedModel:
    known = read_record(folder / RUNS, RunsRecord, "bevatron train")
    runs = load_runs(folder / RUNS, known.study, known.model, known.manifest_sha256).runs
    record = read_preprocessing(folder / FILE, known.study, known.model)
    again = f"bevatron train {known.study} {known.model}"
    check_made_for(folder / FILE, record, again, manifest_sha256=known.manifest_sha256)
    if name is not None:
        runs = tuple(run for run in runs if run.folder == name)
        if not runs:
            raise UserError(folder / RUNS, f"lists no run in {name}", f"run `{again}` again")
    fold = known.folds.left_out if known.folds is not None else None
    if any(run.fold != fold for run in runs):
        raise UserError(folder / RUNS, "lists runs of several folds", f"run `{again}` again")
    chosen = _chosen([run.seed for run in runs], seed, path)
    data = record.data_part(folder / FILE)
    from bevatron.apply.torch_networks import TorchNetworks

    folders = [folder / run.folder for run in runs if run.seed in chosen]
    networks = TorchNetworks(folders, record, accelerator)
    return AppliedModel(path, record, data, chosen, networks, fold, known.settings)


def _of_export(path: Path, seed: int | None) -> AppliedModel:
    record = read_record(path / EXPORT, ExportRecord, "bevatron export")
    again = f"run `bevatron export {record.study} {record.model}` again"
    chosen = _chosen([export.seed for export in record.exports], seed, path)
    files = []
    for export in record.exports:
        file = path / export.file
        if export.seed in chosen:
            if not is_file(file):
                raise UserError(file, f"is missing, though {path / EXPORT} lists it", again)
            if sha256_of(file) != export.sha256:
                raise UserError(
                    file, f"does not match its SHA-256 in {path / EXPORT}: it was changed or damaged", again
                )
            files.append(file)
    return _of_onnx_files(path, files, None)


def _of_onnx_files(path: Path, files: list[Path], seed: int | None) -> AppliedModel:
    from bevatron.apply.onnx_networks import OnnxNetworks

    networks = OnnxNetworks(files)
    seeds = _chosen(networks.seeds, seed, path)
    return AppliedModel(path, networks.record, networks.record.data_part(files[0]), seeds, networks, networks.fold)


def _chosen(seeds: list[int], seed: int | None, path: Path) -> tuple[int, ...]:
    if seed is None:
        return tuple(seeds)
    if seed not in seeds:
        raise UserError(path, f"has no seed {seed}", f"it has: {', '.join(map(str, seeds))}")
    return (seed,)
