"""Which networks of a model score an event: of a cross-validation, those that have not seen it.

The networks of fold f have learned from the events of all other folds, so that an event of fold f, and it alone, must
get its scores from them. Which fold an event is in is a hash of its number, in any file. An event that no network has
learned from, of an experiment or of another sample, can get the mean over the networks of all folds too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.apply.model import EXPORT, RUNS, AppliedModel, open_model
from bevatron.apply.networks import cut_lists
from bevatron.errors import UserError
from bevatron.regular_files import is_file, is_folder
from bevatron.store.files.names import fold_folder
from bevatron.store.shards.columns import Ragged, Samples
from bevatron.store.shards.folds import fold_of

FOLDER = re.compile(r"fold-(0|[1-9]\d?)")


@dataclass(frozen=True)
class Ensemble:
    """The model at a path: of a cross-validation the models of its folds, in their order, else one alone.

    by_fold: whether an event is scored by the networks of its own fold, and not by all.
    """

    path: Path
    models: tuple[AppliedModel, ...]
    by_fold: bool

    @property
    def n_networks(self) -> int:
        """How many networks score an event."""
        return len(self.models[0].seeds) * (1 if self.by_fold else len(self.models))

    def folds_of(self, events: np.ndarray | None) -> np.ndarray:
        """The fold, (n,) int32, of each event by its number. Raises UserError where a source gives none."""
        if events is None:
            what = "chooses networks by the numbers of events, and the study's source gives none for new files"
            raise UserError(self.path, what, "give --all-folds, if its events are of no training")
        return fold_of(events, len(self.models)).astype(np.int32)

    def outputs(self, samples: Samples, folds: np.ndarray | None) -> tuple[np.ndarray, int]:
        """(n_networks, n, n_outputs) float32, of n samples, one at least, and how many of their lists were cut.

        folds (n,): of each sample, where networks are chosen by fold. Raises UserError for other features than the
        networks read, and for outputs that are not finite.
        """
        if not self.by_fold:
            found = [_outputs(model, samples) for model in self.models]
            return np.concatenate([outputs for outputs, _ in found]), max(n for _, n in found)
        assert folds is not None
        rows = [np.flatnonzero(folds == fold) for fold in range(len(self.models))]
        used = [(where, model) for where, model in zip(rows, self.models, strict=True) if len(where)]
        parts = [(where, *_outputs(model, samples.take(where))) for where, model in used]
        outputs = np.empty((self.n_networks, len(samples), parts[0][1].shape[2]), np.float32)
        for where, of_fold, _ in parts:
            outputs[:, where] = of_fold
        return outputs, sum(n for _, _, n in parts)


def open_ensemble(path: Path, seed: int | None, accelerator: str, all_folds: bool = False) -> Ensemble:
    """The model at `path`, with all its seeds or one; all_folds: of a cross-validation, all networks score each event.

    Raises UserError as `open_model`, for a cross-validation of which a fold is missing or does not go with the others,
    and for `all_folds` of a model that has none.
    """
    folders = _folders_of_folds(path)
    index = next((name for name in (RUNS, EXPORT) if any(is_file(folder / name) for folder in folders)), None)
    if index is None:
        if all_folds:
            raise UserError("--all-folds", f"{path} holds no folds", "leave it out")
        return Ensemble(path, (open_model(path, seed, accelerator),), False)
    if is_file(path / index):
        what = f"is of a model without folds, and beside it are {', '.join(folder.name for folder in folders)[:80]}"
        raise UserError(path / index, what, "remove what is older of both, or name one fold's folder")
    models = _open_folds(path, index, folders, lambda folder: open_model(folder, seed, accelerator))
    return Ensemble(path, models, not all_folds)


def _folders_of_folds(path: Path) -> list[Path]:
    if not is_folder(path):
        return []
    found = [(int(name[1]), item) for item in path.iterdir() if (name := FOLDER.fullmatch(item.name))]
    return [item for _, item in sorted(found)]


def _open_folds(
    path: Path, index: str, folders: list[Path], opened: Callable[[Path], AppliedModel]
) -> tuple[AppliedModel, ...]:
    command = "train" if index == RUNS else "export"
    first = opened(next(folder for folder in folders if is_file(folder / index)))
    again, k = f"run `bevatron {command} {first.record.study} {first.record.model}` for", first.data.dataset.folds
    if k is None:
        raise UserError(first.path, "is of a study without folds", "name this folder itself")
    if (last := folders[-1]).name not in map(fold_folder, range(k)):
        raise UserError(last, f"is there, and {first.path} is of {k} folds", f"remove it, or {again} all folds again")
    models = []
    for fold in range(k):
        folder = path / fold_folder(fold)
        if not is_file(folder / index):
            raise UserError(folder / index, f"is missing, and {first.path} is of {k} folds", f"{again} fold {fold}")
        model = first if folder == first.path else opened(folder)
        if model.fold != fold:
            of = "does not say of which fold it is" if model.fold is None else f"is of fold {model.fold}"
            raise UserError(folder, of, f"{again} fold {fold} again")
        if (what := _difference(model, first)) is not None:
            raise UserError(folder, f"has other {what} than {first.path}", f"{again} all folds again")
        models.append(model)
    return tuple(models)


def _difference(model: AppliedModel, first: AppliedModel) -> str | None:
    """What of two folds should be the same, and is not."""
    ours, theirs = (m.record.model_copy(update={"manifest_sha256": ""}) for m in (model, first))
    for name in type(ours).model_fields:
        if getattr(ours, name) != getattr(theirs, name):
            return f"{name} in its preprocessing"
    if _computed(model) != _computed(first):
        return "settings of the model"
    if model.seeds != first.seeds:
        return f"seeds ({', '.join(map(str, model.seeds))})"
    return None if model.networks.predicts_width == first.networks.predicts_width else "outputs"


def _computed(model: AppliedModel) -> dict[str, Any]:
    """The settings that a training depends on."""
    return {key: value for key, value in (model.settings or {}).items() if key not in ("title", "published")}


def _outputs(model: AppliedModel, samples: Samples) -> tuple[np.ndarray, int]:
    inputs, n_cut = {}, 0
    for name, info in model.record.groups.items():
        group = samples.inputs[name]
        if group.features != info.features:
            what = f"'{name}' has the features {', '.join(group.features)[:100]}, and the networks read "
            what += f"{', '.join(info.features)[:100]}"
            raise UserError(model.path, what, "train the model again")
        longest = model.networks.longest(name)
        if isinstance(group.column, Ragged) and longest is not None:
            lists, n_longer = cut_lists(group.column, longest)
            n_cut += n_longer
            group = replace(group, column=lists)
        inputs[name] = group
    with model.networks.computing():
        outputs = model.networks.outputs(replace(samples, inputs=inputs))
    if not np.isfinite(outputs).all():
        wrong = int((~np.isfinite(outputs)).any(axis=(0, 2)).sum())
        what = f"predicts NaN or infinite numbers for {wrong} of {len(samples)} events"
        raise UserError(model.path, what, "see whether the features are as in training")
    return outputs, n_cut
