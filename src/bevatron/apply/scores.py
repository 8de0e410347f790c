"""From the networks' outputs to columns of scores."""

from dataclasses import dataclass

import numpy as np

from bevatron.apply.folds import Ensemble
from bevatron.compute.numerics.probabilities import sigmoid, softmax
from bevatron.config.sections.application import APPLIED_TASKS
from bevatron.errors import UserError

SPREAD = "_std"


@dataclass(frozen=True)
class Scores:
    """The columns that a model's outputs become.

    A classification has a column p_<class> for each class, labels p_<label>, with `logits` also logit_<class>; a
    regression has `prediction`, of several numbers prediction_<name>, and the widths where it predicts them. Of several
    networks a column is their mean, and <column>_std their standard deviation (n - 1 in the denominator).
    """

    task: str
    names: tuple[str, ...]
    predicts_width: bool
    n_networks: int
    logits: bool

    @classmethod
    def of(cls, ensemble: Ensemble, logits: bool) -> "Scores":
        """Of the networks that score an event. Raises UserError for a task whose outputs are no numbers of an event."""
        model = ensemble.models[0]
        task, record = model.data.task, model.record
        if task.kind not in APPLIED_TASKS:
            what = f"is for a {task.kind}, whose outputs are not one number or several of an event"
            raise UserError(ensemble.path, what, f"apply works for {', '.join(APPLIED_TASKS)}")
        if logits and task.kind not in ("classification", "multi_label"):
            raise UserError("--logits", f"a {task.kind} has none", "leave it out")
        names = getattr(task, "classes", None) or record.parts or ("",)
        width = task.kind == "regression" and model.networks.predicts_width
        return cls(task.kind, tuple(names), width, ensemble.n_networks, logits)

    @property
    def columns(self) -> list[str]:
        """Names of the columns, in their order."""
        return [name + end for name in self._values for end in self._ends]

    @property
    def _ends(self) -> tuple[str, ...]:
        return ("", SPREAD) if self.n_networks > 1 else ("",)

    @property
    def _values(self) -> list[str]:
        if self.task in ("classification", "multi_label"):
            kinds = ("p", "logit") if self.logits else ("p",)
        else:
            kinds = ("prediction", "width") if self.predicts_width else ("prediction",)
        return [f"{kind}_{name}" if name else kind for kind in kinds for name in self.names]

    def of_outputs(self, outputs: np.ndarray) -> list[np.ndarray]:
        """Of (n_networks, n, n_outputs) float32, for each column (n,) float32."""
        values = outputs
        if self.task in ("classification", "multi_label"):
            probabilities = softmax(outputs) if self.task == "classification" else sigmoid(outputs)
            values = np.concatenate([probabilities, outputs], axis=2) if self.logits else probabilities
        if values.shape[2] != len(self._values):
            raise ValueError(f"{values.shape[2]} outputs for {len(self._values)} columns")
        found = combine(values)
        return [part[:, k].astype(np.float32) for k in range(values.shape[2]) for part in found]


def combine(values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of (n_networks, n, k), the networks that score an event, to the mean and the standard deviation of each number
    over them, or of one network to its numbers as they are.
    """
    if len(values) == 1:
        return (values[0],)
    double = values.astype(np.float64)
    return double.mean(axis=0), double.std(axis=0, ddof=1)
