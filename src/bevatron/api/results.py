"""Results for notebooks: what the trained models predict for the test split, and the metrics."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bevatron.api.project import find_project
from bevatron.errors import UserError
from bevatron.json_text import read_json
from bevatron.store.files.checksum import check_checksum

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TestPredictions:
    """What each seed of a model predicts for each sample of the test split, in the order of its shards.

    outputs (n_seeds, n, n_outputs) float32: logits in a classification, the number in the target's unit in a
    regression; seeds (n_seeds,); id and event (n,) uint64; targets by name (n, ...); classes: names in the order of the
    outputs, empty without classes.
    """

    __test__ = False  # pytest: no test of ours

    study: str
    model: str
    task: str
    outputs: np.ndarray
    seeds: tuple[int, ...]
    id: np.ndarray
    event: np.ndarray
    targets: dict[str, np.ndarray]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.id)

    def probabilities(self) -> np.ndarray:
        """Of each class, (n_seeds, n, n_classes) float64: the softmax of the outputs of a classification."""
        if self.task != "classification":
            raise UserError(f"{self.study}/{self.model}", f"a {self.task} has no probabilities", "use outputs")
        shifted = self.outputs.astype(np.float64)
        shifted -= shifted.max(axis=2, keepdims=True)
        exponentials = np.exp(shifted)
        return exponentials / exponentials.sum(axis=2, keepdims=True)

    def to_pandas(self, seed: int | None = None) -> "pd.DataFrame":
        """A row for each sample, indexed by its id: the outputs of one seed (default: the first), and the targets.

        The columns are the classes with their probabilities, "prediction" for a single output, else "output_0" and so
        on. Targets that are not one number a sample are left out.
        """
        import pandas as pd

        chosen = self.seeds[0] if seed is None else seed
        if chosen not in self.seeds:
            raise UserError(f"{self.study}/{self.model}", f"has no seed {chosen}", f"it has: {self.seeds}")
        values = (self.probabilities() if self.task == "classification" else self.outputs)[self.seeds.index(chosen)]
        if values.ndim != 2:
            raise UserError(f"{self.study}/{self.model}", "has several numbers for each output", "use outputs")
        if self.task == "classification":
            names = list(self.classes)
        else:
            names = ["prediction"] if values.shape[1] == 1 else [f"output_{k}" for k in range(values.shape[1])]
        columns = {name: values[:, k] for k, name in enumerate(names)}
        columns |= {name: target for name, target in self.targets.items() if target.ndim == 1}
        return pd.DataFrame(columns, index=pd.Index(self.id, name="id"))


def predictions(study: str, model: str, project: str | Path | None = None) -> TestPredictions:
    """The predictions of a model of a study for the test split, from `predictions.h5`.

    Raises UserError where the file is missing, damaged, or of another study or model.
    """
    from bevatron.evaluate.predictions.file import read_predictions

    path = find_project(project).results_of(study) / "evaluation"
    raise NotImplementedError


def metrics(study: str, model: str | None = None, project: str | Path | None = None) -> "pd.DataFrame":
    """The metrics of a study's models (default: of all that were evaluated), a row for each model and metric.

    Columns: value (the mean over the seeds), error, low and high (the interval from the test split's size), seed_std,
    n_seeds, unit. Raises UserError where nothing was evaluated, or a file is damaged.
    """
    raise NotImplementedError
