"""Loggers: where trainings report their losses while they run, beside `history.csv`."""

from importlib.util import find_spec
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from bevatron.config.sections.section import Section

NAME = Annotated[str, Field(min_length=1, max_length=200)]


def _require(package: str, extra: str) -> None:
    if find_spec(package) is None:
        raise ValueError(f"needs the package {package}, which is not installed: pip install 'bevatron[{extra}]'")


class TensorBoardLog(Section):
    """Event files of TensorBoard in the folder of each run."""

    kind: Literal["tensorboard"] = Field(description="`bevatron watch --tensorboard` shows them")


class MLflowLog(Section):
    """MLflow, by the extra `mlflow`."""

    kind: Literal["mlflow"] = Field(description="a run of MLflow for each seed")
    tracking_uri: NAME | None = Field(
        default=None, description="server or store, without a password; default: as MLFLOW_TRACKING_URI says"
    )
    experiment: NAME | None = Field(default=None, description="experiment of MLflow; default: name of the study")

    @model_validator(mode="after")
    def _check(self) -> "MLflowLog":
        if self.tracking_uri is not None and "@" in urlsplit(self.tracking_uri).netloc:
            raise ValueError("tracking_uri: has a user or password; set MLFLOW_TRACKING_USERNAME and _PASSWORD instead")
        _require("mlflow", "mlflow")
        return self


class WandbLog(Section):
    """Weights & Biases, by the extra `wandb`; its key is what `wandb login` or WANDB_API_KEY says."""

    kind: Literal["wandb"] = Field(description="a run of Weights & Biases for each seed")
    project: NAME = Field(default="bevatron", description="project; runs are grouped by study")
    entity: NAME | None = Field(default=None, description="user or team; default: your own")
    offline: bool = Field(default=False, description="write into the folder of the run, for `wandb sync` later")

    @model_validator(mode="after")
    def _check(self) -> "WandbLog":
        _require("wandb", "wandb")
        return self


class CometLog(Section):
    """Comet, by the extra `comet`; its key is what `comet login` or COMET_API_KEY says."""

    kind: Literal["comet"] = Field(description="an experiment of Comet for each seed")
    project: NAME = Field(default="bevatron", description="project")
    workspace: NAME | None = Field(default=None, description="workspace; default: your own")
    offline: bool = Field(default=False, description="write into the folder of the run, for `comet upload` later")

    @model_validator(mode="after")
    def _check(self) -> "CometLog":
        _require("comet_ml", "comet")
        return self


LoggerSection = Annotated[TensorBoardLog | MLflowLog | WandbLog | CometLog, Field(discriminator="kind")]
DEFAULT_LOGGERS: tuple[LoggerSection, ...] = (TensorBoardLog(kind="tensorboard"),)
