"""What is measured for each task: a module of `bevatron.evaluate.tasks` registers under the task's name."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bevatron.config.loading.registry import Registry
from bevatron.config.sections.model import Model
from bevatron.config.sections.study import Study
from bevatron.config.sections.task import Task
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import Measurement
from bevatron.store.shards.contract import TargetInfo
from bevatron.store.shards.dataset import Dataset

EVALUATIONS = Registry("evaluation", "bevatron.evaluate.tasks")
evaluation = EVALUATIONS.register


@dataclass(frozen=True)
class EvaluationContext:
    """What an evaluation needs beside predictions: settings, data, and the folder of each seed's network.

    folders: one trained network each, in the order of `seeds`; empty where there are predictions alone, which is
    enough for all but what looks into networks. learned_from: of a variation, the nominal dataset.
    """

    study: Study
    workflow: Workflow
    model_name: str
    dataset: Dataset
    folders: tuple[Path, ...] = ()
    seeds: tuple[int, ...] = ()
    learned_from: Dataset | None = None

    @property
    def model(self) -> Model:
        """The model that is evaluated."""
        return self.study.models[self.model_name]

    @property
    def target(self) -> str:
        """The target that the model is compared with."""
        return self.model.target or self.study.task.target

    @property
    def target_info(self) -> TargetInfo:
        """Form and names of that target."""
        return self.dataset.manifest.target_info(self.target)

    def dataset_of(self, split: str) -> Dataset:
        """The dataset with the samples of a split: of a variation, the nominal one for all but the test split."""
        return self.dataset if split == "test" else self.learned_from or self.dataset

    @property
    def confidence(self) -> float:
        """Of the intervals."""
        return self.study.evaluation.confidence


@dataclass(frozen=True)
class Predictions:
    """What the networks of all seeds predict for the test split, in the order of its shards.

    outputs (n_seeds, n, n_outputs) float32, of a detection (n_seeds, n, n_max, 6), of a segmentation (n_seeds, n,
    n_classes, n_classes): pixels of each image by true and predicted class; targets by name (n, ...); id (n,)
    uint64; x (n,): the feature that the task draws along the plots' axis, where it names one; event (n,) uint64: the
    number of each sample's event, where the dataset has it; weight (n,): the samples' weights, where they have any;
    observers (n,) by name: what goes with the samples and no network reads; fold (n,) int64: of a cross-validation,
    the fold of each sample, which the networks that predict it have not seen.
    """

    outputs: np.ndarray
    targets: dict[str, np.ndarray]
    id: np.ndarray
    x: np.ndarray | None = None
    event: np.ndarray | None = None
    weight: np.ndarray | None = None
    observers: dict[str, np.ndarray] = field(default_factory=dict)
    fold: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.id)


class TaskEvaluation(Protocol):
    """The metrics of one task."""

    def targets(self, task: Task, model: Model) -> list[str]:
        """Targets of the dataset that are compared with the predictions."""
        ...

    def outputs(self, task: Task, target: TargetInfo) -> tuple[int | None, ...]:
        """Shape of a network's output for one sample, compared with the target; None where any length will do."""
        ...

    def metrics(
        self, task: Task, predictions: Predictions, bootstrap: Bootstrap, context: EvaluationContext
    ) -> tuple[dict[str, Measurement], dict[str, Any]]:
        """Metrics by name, and the curves that plots are drawn from (plain lists, for JSON)."""
        ...
