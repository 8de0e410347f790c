"""What one fit is asked to do, and what it gives back."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bevatron.config.loading import project_modules
from bevatron.config.sections.loggers import DEFAULT_LOGGERS, LoggerSection
from bevatron.config.sections.model import Model
from bevatron.config.sections.study import Study
from bevatron.config.sections.task import Classification
from bevatron.config.sections.workflow import DataLoading

LOGGERS: TypeAdapter[list[LoggerSection]] = TypeAdapter(list[LoggerSection])


class Diverged(Exception):
    """The loss is no longer a finite number."""


@dataclass(frozen=True)
class FitJob:
    """One fit of `model` of `study` on the dataset of `manifest_path`, with one seed.

    folder: live state; a folder that holds a valid checkpoint is continued from there.
    epochs: overrides the model's own number, as a search does; early stopping is then left to the search.
    members: of a committee, the folder of each member's trained network, in the model's order.
    name, loggers: the model's name in its study, and where losses are reported: for those who watch the fit, which
    itself depends on neither. fold: of a cross-validation the one that is left out, for them as well.
    """

    study: Study
    model: Model
    manifest_path: Path
    seed: int
    folder: Path
    data_loading: DataLoading
    accelerator: str = "auto"
    epochs: int | None = None
    members: dict[str, Path] = field(default_factory=dict)
    name: str = ""
    loggers: tuple[LoggerSection, ...] = DEFAULT_LOGGERS
    fold: int | None = None

    @property
    def target(self) -> str:
        """The target to learn: the model's own, else the task's."""
        return self.model.target or self.study.task.target

    @property
    def class_subset(self) -> tuple[int, ...] | None:
        """The class numbers that the model tells apart, where not all."""
        task = self.study.task
        if self.model.class_subset is None or not isinstance(task, Classification):
            return None
        return tuple(task.classes.index(name) for name in self.model.class_subset)

    def as_payload(self) -> dict[str, Any]:
        """The job as plain values, to be sent to another process; `from_payload` makes the same job of them."""
        return {
            "study": self.study.model_dump(mode="json"),
            "model": self.model.model_dump(mode="json"),
            "manifest_path": str(self.manifest_path.absolute()),
            "seed": self.seed,
            "folder": str(self.folder),
            "data_loading": self.data_loading.model_dump(mode="json"),
            "accelerator": self.accelerator,
            "epochs": self.epochs,
            "members": {name: str(folder) for name, folder in self.members.items()},
            "modules": project_modules.as_payload(),
            "name": self.name,
            "loggers": [section.model_dump(mode="json") for section in self.loggers],
            "fold": self.fold,
        }

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> "FitJob":
        """The job that `as_payload` described. Raises UserError where a module of the project has changed since."""
        project_modules.use_payload(payload["modules"])
        return cls(
            study=Study.model_validate(payload["study"]),
            model=Model.model_validate(payload["model"]),
            manifest_path=Path(payload["manifest_path"]),
            seed=payload["seed"],
            folder=Path(payload["folder"]),
            data_loading=DataLoading.model_validate(payload["data_loading"]),
            accelerator=payload["accelerator"],
            epochs=payload["epochs"],
            members={name: Path(folder) for name, folder in payload["members"].items()},
            name=payload["name"],
            loggers=tuple(LOGGERS.validate_python(payload["loggers"])),
            fold=payload["fold"],
        )


@dataclass(frozen=True)
class FitResult:
    """How a fit went.

    samples counts those of all steps, and seconds the time in them over all of the fit's lives, without validations;
    data_wait is the fraction of those seconds in which the steps waited for data, and workers how many fitted together
    at the end; best_epoch and best_val_loss are those of the published weights when the model keeps the best; continued
    is 1 for a fit that went on from a checkpoint. The losses are the task's; auxiliary_losses are, by auxiliary task,
    the validation losses of the published weights.
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
    data_wait: float
    workers: int
    continued: int
    n_weights: int
    auxiliary_losses: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)
