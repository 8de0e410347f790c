"""`predictions.h5` as it is read again, for notebooks and other programs."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import hdf5plugin  # noqa: F401 (registers the filter that the file is compressed with)
import numpy as np

from bevatron.compute.numerics.probabilities import sigmoid, softmax
from bevatron.errors import UserError
from bevatron.evaluate.predictions.file import SCHEMA_VERSION
from bevatron.regular_files import require_regular
from bevatron.store.files.declared_sizes import check_declared_sizes
from bevatron.store.files.hdf5 import attribute, attribute_if_set, group_at, read_array
from bevatron.store.files.plain_content import check_plain_content
from bevatron.store.shards.shard import LIBRARY, refusing

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StoredPredictions:
    """What each seed of a model predicts for each sample of the test split, in the order of its shards.

    outputs (n_seeds, n, n_outputs) float32: logits in a classification and of labels, in a regression the numbers in
    the target's unit, followed by their widths where the network predicts them; seeds (n_seeds,); id and event (n,)
    uint64; targets by name (n, ...); classes: names in the order of the outputs, empty without classes; weight (n,),
    None where the samples have no weights; observers by name (n,); parts: names of the labels, or of the target's
    numbers where there are several; fold (n,): of a cross-validation that of each sample, None without folds.
    """

    study: str
    model: str
    task: str
    outputs: np.ndarray
    seeds: tuple[int, ...]
    id: np.ndarray
    event: np.ndarray
    targets: dict[str, np.ndarray]
    classes: tuple[str, ...]
    weight: np.ndarray | None = None
    observers: dict[str, np.ndarray] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    fold: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.id)

    def probabilities(self) -> np.ndarray:
        """Of each class, (n_seeds, n, n_classes) float64: the softmax of the outputs of a classification; of each label
        the sigmoid of its output.
        """
        if self.task == "multi_label":
            return sigmoid(self.outputs)
        if self.task != "classification":
            raise UserError(f"{self.study}/{self.model}", f"a {self.task} has no probabilities", "use outputs")
        return softmax(self.outputs)

    def to_pandas(self, seed: int | None = None) -> "pd.DataFrame":
        """A row for each sample, indexed by its id: the outputs of one seed (default: the first), the targets, "weight"
        where the samples have weights, "fold" in a cross-validation, and the observers.

        The columns are the classes or labels with their probabilities; in a regression "prediction" and, where there is
        one, "width", of several numbers "prediction.<name>" and "width.<name>"; else "output_0" and so on. A target of
        several numbers is "<target>.<name>"; others that are not one number a sample are left out.
        """
        import pandas as pd

        chosen = self.seeds[0] if seed is None else seed
        if chosen not in self.seeds:
            raise UserError(f"{self.study}/{self.model}", f"has no seed {chosen}", f"it has: {self.seeds}")
        with_probabilities = self.task in ("classification", "multi_label")
        values = (self.probabilities() if with_probabilities else self.outputs)[self.seeds.index(chosen)]
        if values.ndim != 2:
            raise UserError(f"{self.study}/{self.model}", "has several numbers for each output", "use outputs")
        columns = {name: values[:, k] for k, name in enumerate(self._output_names(values.shape[1]))}
        for name, target in self.targets.items():
            if target.ndim == 1:
                columns[name] = target
            elif target.ndim == 2 and target.shape[1] == len(self.parts):
                columns |= {f"{name}.{part}": target[:, k] for k, part in enumerate(self.parts)}
        columns |= {} if self.weight is None else {"weight": self.weight}
        columns |= {} if self.fold is None else {"fold": self.fold}
        columns |= {name: values for name, values in self.observers.items() if name not in columns}
        return pd.DataFrame(columns, index=pd.Index(self.id, name="id"))

    def _output_names(self, n_outputs: int) -> list[str]:
        """A name for each output."""
        if self.task == "classification":
            return list(self.classes)
        if self.task == "multi_label":
            return list(self.parts)
        if self.task == "regression":
            named = [f".{part}" for part in self.parts] or [""]
            names = [word + part for word in ("prediction", "width") for part in named]
            if n_outputs in (len(named), 2 * len(named)):
                return names[:n_outputs]
        return ["prediction"] if n_outputs == 1 else [f"output_{k}" for k in range(n_outputs)]


def read_predictions(path: Path, study: str, model: str) -> StoredPredictions:
    """The predictions in `path`, of all seeds.

    Raises UserError where the file is missing, damaged, of another version, or of another study or model.
    """
    again = f"run `bevatron evaluate {study} {model}` again"
    with refusing(path):
        require_regular(path)
        with h5py.File(path, "r", libver=LIBRARY, locking=False) as file:
            check_plain_content(file, path)
            check_declared_sizes(file, path)
            version = attribute_if_set(file, "schema_version")
            if version != SCHEMA_VERSION:
                raise UserError(path, f"is of version {version}; this Bevatron reads {SCHEMA_VERSION}", again)
            owner = (str(file.attrs["study"]), str(file.attrs["model"]))
            if owner != (study, model):
                raise UserError(path, f"holds the predictions of {owner[0]}/{owner[1]}", again)
            outputs, ids = read_array(file, "outputs"), read_array(file, "id")
            event = read_array(file, "event") if "event" in file else ids
            targets = _columns_in(group_at(file, "targets")) if "targets" in file else {}
            weight = read_array(file, "weight") if "weight" in file else None
            fold = read_array(file, "fold") if "fold" in file else None
            observers = _columns_in(group_at(file, "observers")) if "observers" in file else {}
            classes = str(file.attrs["classes"])
            seeds = tuple(int(seed) for seed in attribute(file, "seeds"))
            task = str(file.attrs["task"])
            parts = tuple(map(str, json.loads(str(file.attrs.get("parts", "[]")))))
    others = [event, *targets.values(), *observers.values(), *(c for c in (weight, fold) if c is not None)]
    lengths = {len(column) for column in others} | {outputs.shape[1]}
    if lengths != {len(ids)} or len(outputs) != len(seeds):
        raise UserError(path, "is damaged: its columns differ in length", again)
    names = tuple(classes.split(",")) if classes else ()
    columns = (outputs, seeds, ids, event, targets, names, weight, observers, parts, fold)
    return StoredPredictions(study, model, task, *columns)


def _columns_in(group: h5py.Group) -> dict[str, np.ndarray]:
    return {name: read_array(group, name) for name in map(str, group)}
