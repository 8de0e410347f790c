"""Trained models for notebooks: predictions for arrays that the user has."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bevatron.api.project import find_project
from bevatron.api.studies import load_study_of
from bevatron.errors import UserError
from bevatron.near_names import did_you_mean
from bevatron.store.shards.columns import Dense, Ragged

if TYPE_CHECKING:
    import pandas as pd

    from bevatron.models.network import Network

ROWS_AT_ONCE = 2_000


def load_model(
    study: str,
    model: str,
    seed: int | None = None,
    scale: str | None = None,
    project: str | Path | None = None,
    fold: int | None = None,
) -> "TrainedModel":
    """A trained model of a study, of one of its seeds (default: the lowest), and of a cross-validation of one fold: the
    network that has not seen the events of the fold.

    The weights are checked against their SHA-256 in `runs.json`. Raises UserError where they are missing or damaged,
    or were trained on another dataset than the one in `results/`.
    """
    from bevatron.models.network import load_network
    from bevatron.store.files.names import fold_folder, fold_manifest
    from bevatron.store.records.runs import load_runs
    from bevatron.store.shards.dataset import load_dataset

    resolved_project = find_project(project)
    settings = load_study_of(resolved_project, study, scale)
    if model not in settings.models:
        raise UserError(
            resolved_project.studies_folder / f"{study}.yaml",
            f"has no model '{model}'{did_you_mean(model, settings.models)}",
            f"it has: {', '.join(settings.models)}",
        )
    results = resolved_project.results_of(study)
    dataset, path = load_dataset(results / "dataset" / "manifest.json"), results / "models" / model / "runs.json"
    folds = dataset.manifest.folds
    if fold not in (range(folds.k) if folds is not None else (None,)):
        what = f"found {fold}, and {study} has " + (f"{folds.k} folds" if folds is not None else "no folds")
        raise UserError("fold", what, f"give one of 0 to {folds.k - 1}" if folds is not None else "leave it out")
    if fold is not None:
        dataset = load_dataset(results / "dataset" / fold_manifest(fold))
        path = results / "models" / model / fold_folder(fold) / "runs.json"
    runs = {run.seed: run for run in load_runs(path, study, model, dataset.manifest.sha256).runs}
    chosen = min(runs) if seed is None else seed
    if chosen not in runs:
        raise UserError(path, f"has no run of seed {chosen}", f"it has: {', '.join(map(str, runs))}")
    network = load_network(path.parent / runs[chosen].folder)
    return TrainedModel(network, study, model, chosen, settings.task.kind, dataset.manifest.classes)


class TrainedModel:
    """One trained network, in evaluation mode on the CPU."""

    def __init__(self, network: "Network", study: str, name: str, seed: int, task: str, classes: tuple[str, ...]):
        self.network, self.study, self.name, self.seed = network, study, name, seed
        self.task, self.classes = task, classes

    def __repr__(self) -> str:
        groups = ", ".join(f"{name} {list(features)}" for name, features in self.features.items())
        return f"<{self.study}/{self.name} seed {self.seed}: {self.task}; reads {groups}>"

    @property
    def features(self) -> dict[str, tuple[str, ...]]:
        """The features of each input group, in the order in which the network reads them."""
        return {name: group.features for name, group in self.network.spec.inputs.items()}

    def predict(self, inputs: Any) -> np.ndarray:
        """What the network says of n samples: (n, n_outputs) float32.

        A classification gives the probability of each class, a multi-label task that of each label, in the order of
        `classes`; a regression its numbers in the target's unit, followed by their widths where it predicts them; other
        tasks what their network computes.

        inputs: arrays by group, in physical units, not normalised. A dense group is an array (n, *shape), a pandas
        table or awkward records, whose features are found by name. A list is a sequence of n arrays
        (n_elements, n_features), an awkward array of lists of records, or a pair of values (total, n_features) and
        offsets (n + 1,). A table alone does where the network reads one dense group. Raises UserError for a missing
        group or feature, another shape, and lists longer than the network reads.
        """
        import torch

        from bevatron.store.readers.batch import RaggedBatch

        columns = self._columns(inputs)
        n = len(next(iter(columns.values())))
        outputs: list[np.ndarray] = []
        with torch.inference_mode():
            for start in range(0, max(n, 1), ROWS_AT_ONCE):
                batch: dict[str, torch.Tensor | RaggedBatch] = {}
                for name, column in columns.items():
                    part = column.take(np.arange(start, min(start + ROWS_AT_ONCE, n)))
                    values = torch.from_numpy(part.values)
                    batch[name] = (
                        RaggedBatch(values, torch.from_numpy(part.lengths)) if isinstance(part, Ragged) else values
                    )
                predicted = self.network(batch).float()
                if self.task == "classification":
                    predicted = torch.softmax(predicted, 1)
                elif self.task == "multi_label":
                    predicted = torch.sigmoid(predicted)
                outputs.append(predicted.numpy())
        return np.concatenate(outputs)

    def _columns(self, inputs: Any) -> dict[str, Dense | Ragged]:
        """The columns by group, all of the same n."""
        groups = self.network.spec.inputs
        if hasattr(inputs, "columns") and hasattr(inputs, "to_numpy"):
            inputs = self._of_table(inputs)
        if not isinstance(inputs, dict):
            raise UserError(
                "inputs", f"expected arrays by group, found {type(inputs).__name__}", f"groups: {', '.join(groups)}"
            )
        columns: dict[str, Dense | Ragged] = {}
        for name, group in groups.items():
            if name not in inputs:
                raise UserError("inputs", f"has no group '{name}'", f"the network reads: {', '.join(groups)}")
            if group.is_ragged:
                columns[name] = _lists(name, inputs[name], group.shape[0], group.features)
            else:
                columns[name] = Dense(_dense(name, inputs[name], group.shape, group.features))
        sizes = {name: len(column) for name, column in columns.items()}
        if len(set(sizes.values())) > 1:
            raise UserError("inputs", f"groups of different numbers of samples: {sizes}")
        return columns

    def _of_table(self, table: "pd.DataFrame") -> dict[str, Any]:
        groups = self.network.spec.inputs
        if len(groups) > 1 or any(group.is_ragged for group in groups.values()):
            raise UserError(
                "inputs",
                "one table cannot hold all that the network reads",
                f"give arrays by group: {', '.join(groups)}",
            )
        return {next(iter(groups)): table}


def _dense(name: str, values: Any, shape: tuple[int, ...], features: tuple[str, ...]) -> np.ndarray:
    if hasattr(values, "columns") and hasattr(values, "to_numpy"):
        _check_features(f"the table of group '{name}' has no column", features, values.columns)
        values = values[list(features)].to_numpy()
    elif getattr(values, "fields", None):  # awkward records
        _check_features(f"the records of group '{name}' have no field", features, values.fields)
        values = np.stack([np.asarray(values[feature]) for feature in features], axis=1)
    array = np.ascontiguousarray(values, np.float32)
    if array.shape[1:] != shape:
        expected = ", ".join(map(str, ("n", *shape)))
        raise UserError("inputs", f"group '{name}' has the shape {array.shape}", f"expected ({expected})")
    return array


def _check_features(what: str, features: tuple[str, ...], known: Any) -> None:
    """Raises UserError for a feature that is not among those known; `what` begins the message."""
    missing = [feature for feature in features if feature not in known]
    if missing:
        raise UserError("inputs", f"{what} '{missing[0]}'", f"it needs: {', '.join(features)}")


def _lists(name: str, lists: Any, n_max: int, features: tuple[str, ...]) -> Ragged:
    """Lists in one of the forms that `predict` takes, with values (total, n_features) float32.

    Raises UserError for other shapes and for lists of more than n_max elements.
    """
    values, offsets = _values_and_offsets(name, lists, features)
    lengths = np.diff(offsets)
    if values.ndim != 2 or values.shape[1] != len(features):
        raise UserError(
            "inputs", f"elements of group '{name}' have the shape {values.shape}", f"expected (total, {len(features)})"
        )
    if len(lengths) and int(lengths.max()) > n_max:
        what = f"group '{name}' has a list of {int(lengths.max())} elements; the network reads up to {n_max}"
        raise UserError("inputs", what, "cut the lists, as the study's recipe does")
    return Ragged(np.ascontiguousarray(values), offsets.astype(np.int64))


def _values_and_offsets(name: str, lists: Any, features: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(lists, "fields"):  # awkward
        import awkward as ak

        _check_features(f"the records of group '{name}' have no field", features, lists.fields)
        values = [ak.to_numpy(ak.flatten(lists[feature])) for feature in features]
        lengths = ak.to_numpy(ak.num(lists[features[0]]))
        return np.stack(values, axis=1).astype(np.float32), np.concatenate([[0], np.cumsum(lengths)])
    if isinstance(lists, tuple) and len(lists) == 2 and np.ndim(lists[1]) == 1:
        offsets = np.asarray(lists[1], np.int64)
        values = np.asarray(lists[0], np.float32)
        if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != len(values) or (np.diff(offsets) < 0).any():
            raise UserError("inputs", f"the offsets of group '{name}' do not cut its {len(values)} elements into lists")
        return values, offsets
    arrays = [
        np.asarray(one, np.float32).reshape(-1, len(features)) if np.size(one) == 0 else np.asarray(one, np.float32)
        for one in lists
    ]
    lengths = [len(one) for one in arrays]
    values = np.concatenate(arrays) if arrays else np.zeros((0, len(features)), np.float32)
    return values, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
