"""Apply a trained model to new files: a row of scores for each event, in the order of the files."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from bevatron.apply.destinations import Destination, Format, destinations, refuse_existing
from bevatron.apply.folds import Ensemble, open_ensemble
from bevatron.apply.model import AppliedModel
from bevatron.apply.raw_shards import read_raw_shards
from bevatron.apply.read_ahead import reading_ahead
from bevatron.apply.scores import Scores
from bevatron.apply.writers.writer import Writer, writing
from bevatron.config.loading.kinds import RECIPES, SOURCES
from bevatron.config.loading.whole_dataset import recipe_needs_totals
from bevatron.errors import UserError
from bevatron.store.files.publish import publishing
from bevatron.store.shards.unlabelled import UnlabelledRows

PASSED, FILE, FOLD = "passed", "file", "fold"

log = logging.getLogger("bevatron")


def apply_model(
    path: Path,
    files: Sequence[Path],
    output: Path,
    *,
    observers: list[str] | None = None,
    seed: int | None = None,
    logits: bool = False,
    kind: Format | None = None,
    overwrite: bool = False,
    tree: str | None = None,
    accelerator: str = "cpu",
    all_folds: bool = False,
) -> None:
    """Publish the scores of the model at `path` for all events of the files.

    output: a file for all, in their order, or a folder with a file for each; kind: its format, where it is a folder.
    seed: of the network that scores; default: mean and standard deviation over all. observers: what is carried along;
    default: the study's, as far as the files have them. tree: of ROOT files, where it is not the study's. all_folds: of
    a cross-validation the networks of all folds score each event; default: those that have not seen it. Raises
    UserError, before anything is written, for a model or files that do not go together.
    """
    started = time.perf_counter()
    inputs = [Path(file) for file in files]
    planned = destinations(inputs, output, kind, overwrite)
    ensemble = open_ensemble(path, seed, accelerator, all_folds)
    model, by_fold = ensemble.models[0], ensemble.by_fold
    job = _Job(ensemble, Scores.of(ensemble, logits))
    rows = [_rows_of_files(model, d.files, observers, tree, by_fold) for d in planned]  # checks all files
    for destination, of_files in zip(planned, rows, strict=True):
        job.write(destination, of_files, overwrite)
    seconds = time.perf_counter() - started
    log.info(
        "%s/%s: scores of %d events, %d of which pass the selection, in %.1f s",
        model.record.study, model.record.model, job.n_rows, job.n_passed, seconds,
    )  # fmt: skip
    if job.n_longer:
        log.warning("%d lists are longer than those of the training; the elements beyond were left out", job.n_longer)


def _rows_of_files(
    model: AppliedModel, files: Sequence[Path], observers: list[str] | None, tree: str | None, numbered: bool
) -> Iterator[Iterator[UnlabelledRows]]:
    """For each file, to be read one after another, its rows as inputs of the networks; files are checked at once.

    numbered: whether the numbers of the events must be known.
    """
    data, sums = model.data, {name: record.array for name, record in model.record.sums.items()}
    source, recipe = SOURCES[data.simulation.source.kind], RECIPES[data.dataset.recipe.kind]
    if not (hasattr(source, "read_unlabelled") and getattr(recipe, "UNLABELLED", False)):
        if tree is not None:
            raise UserError("--tree", "raw shards have none", "leave it out")
        return read_raw_shards(data, files, sums, observers)
    options = data.simulation.source
    if tree is not None:
        options = options.model_copy(update={"tree": tree})
    totals = {"totals": sums} if recipe_needs_totals(data) else {}

    def prepared(rows: UnlabelledRows) -> UnlabelledRows:
        nothing = np.zeros(len(rows.samples), bool)
        samples = recipe().prepare(data.dataset.recipe, rows.samples, 0, nothing, **totals)
        return replace(rows, samples=samples)

    found = source().read_unlabelled(options, files, list(model.record.groups), observers, numbered)
    return (map(prepared, steps) for steps in found)


class _Job:
    """Writes files of scores, and counts."""

    def __init__(self, ensemble: Ensemble, scores: Scores):
        self._ensemble, self._scores = ensemble, scores
        self.n_rows = self.n_passed = self.n_longer = 0

    def write(self, destination: Destination, rows: Iterator[Iterator[UnlabelledRows]], overwrite: bool) -> None:
        """Publishes a file of scores, from the next files of `rows`."""

        def check(part: Path) -> None:
            refuse_existing(destination.path, overwrite)  # another process may have been faster

        writer: Writer | None = None
        with publishing(destination.path, check) as part, ExitStack() as stack:
            for number, _ in enumerate(destination.files):
                with reading_ahead(next(rows)) as steps:
                    for step in steps:
                        columns = self._columns(step, number if len(destination.files) > 1 else None)
                        if writer is None:
                            dtypes = {name: values.dtype for name, values in columns.items()}
                            writer = stack.enter_context(writing(part, destination.format, dtypes))
                        writer.write(_as(dtypes, columns, destination.files[number]))

    def _columns(self, step: UnlabelledRows, file: int | None) -> dict[str, np.ndarray]:
        """What is written of some rows: what is carried along, whether they pass, and their scores."""
        n = len(step)
        columns = {} if file is None else {FILE: np.full(n, file, np.int32)}
        columns |= {name: _plain(values) for name, values in step.columns.items()}
        folds = self._ensemble.folds_of(step.event) if self._ensemble.by_fold else None
        scores = {} if folds is None else {FOLD: folds}
        scores |= {PASSED: step.passed} | {name: np.full(n, np.nan, np.float32) for name in self._scores.columns}
        if twice := [name for name in scores if name in columns]:
            raise UserError("--observer", f"'{twice[0]}' is the name of a column of scores too", "leave it out")
        if len(step.samples):
            outputs, n_longer = self._ensemble.outputs(step.samples, None if folds is None else folds[step.passed])
            self.n_longer += n_longer
            found = self._scores.of_outputs(outputs)
            for name, values in zip(self._scores.columns, found, strict=True):
                scores[name][step.passed] = values
        self.n_rows, self.n_passed = self.n_rows + n, self.n_passed + len(step.samples)
        return columns | scores


def _plain(values: np.ndarray) -> np.ndarray:
    """In a type that all formats have."""
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _as(dtypes: dict[str, np.dtype], columns: dict[str, np.ndarray], path: Path) -> dict[str, np.ndarray]:
    """The columns in the types of the first rows. Raises UserError where they do not fit, as between files."""
    if list(columns) != list(dtypes):
        raise UserError(path, f"has the columns {', '.join(columns)}", f"the files before have {', '.join(dtypes)}")
    for name, values in columns.items():
        if values.dtype != dtypes[name] and not np.can_cast(values.dtype, dtypes[name]):
            what = f"'{name}' is {values.dtype.name}, and {dtypes[name].name} in what was read before"
            raise UserError(path, what, "write the files to a folder, or leave this observer out")
    return {name: values.astype(dtypes[name], copy=False) for name, values in columns.items()}
