"""What one fit is asked to do, and what it gives back."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bevatron.config.model import Model
from bevatron.config.study import Study
from bevatron.config.workflow import Reading


class Diverged(Exception):
    """The loss is no longer a finite number."""


@dataclass(frozen=True)
class FitJob:
    """One fit of `model` of `study` on the dataset of `manifest`, with one seed.

    folder: live state; a folder that holds a valid checkpoint is continued from there.
    epochs: overrides the model's own number, as a search does; early stopping is then left to the search.
    """

    study: Study
    model: Model
    manifest: Path
    seed: int
    folder: Path
    reading: Reading
    accelerator: str = "auto"
    epochs: int | None = None

    @property
    def target(self) -> str:
        return self.model.target or self.study.task.target


@dataclass(frozen=True)
class FitResult:
    """How a fit went.

    samples counts those of all steps, and seconds the time in them over all of the fit's lives, without validations;
    waited is the share of those seconds in which the steps waited for data, and workers how many fitted together at
    the end; best_epoch and best_val_loss are those of the published weights when the model keeps the best; continued
    is 1 for a fit that went on from a checkpoint.
    """

    epochs: int
    steps: int
    best_epoch: int
    best_val_loss: float
    last_val_loss: float
    stopped_early: bool
    samples: int
    seconds: float
    samples_per_second: float
    waited: float
    workers: int
    continued: int
    n_weights: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
