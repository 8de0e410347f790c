"""An entry of the section `apply`: files whose events trained models score."""

from typing import Literal

from pydantic import Field, model_validator

from bevatron.config.sections.section import Name, Section, Seed

APPLIED_TASKS = ("classification", "multi_label", "regression", "classification_2d")


class Application(Section):
    """Files, and what is written of them: a file of scores for each file and model. No part of any digest."""

    files: list[str] = Field(
        default=[],
        description="paths or patterns (*, ?, **) relative to the working folder; default: the study's raw shards, "
        "of a source that generates events",
    )
    models: list[Name] = Field(default=[], description="the models that score them; default: all of the study")
    seed: Seed | None = Field(
        default=None, description="of the network that scores; default: mean and standard deviation over all"
    )
    format: Literal["root", "parquet", "h5", "csv"] = Field(default="root", description="of the files of scores")
    observers: list[str] | None = Field(
        default=None,
        description="columns to carry along; default: the study's observers, as far as the files have them",
    )
    logits: bool = Field(default=False, description="logits beside the probabilities")
    tree: str | None = Field(
        default=None, description="tree of ROOT files, group of HDF5 files, where it is not that of the study's files"
    )
    all_folds: bool = Field(
        default=False,
        description="of a cross-validation: the mean over the networks of all folds, for events of no training; "
        "default: each event by those that have not seen it",
    )
    backend: Literal["torch", "onnx"] = Field(
        default="torch", description="what computes: PyTorch, or onnxruntime with the exported model"
    )

    @model_validator(mode="after")
    def _names_models_once(self) -> "Application":
        for name in self.models:
            if self.models.count(name) > 1:
                raise ValueError(f"models: '{name}' stands twice")
        return self

    @property
    def options(self) -> list[str]:
        """The options of `bevatron apply` that say the same."""
        options = [] if self.seed is None else [f"--seed={self.seed}"]
        options += [f"--observer={name}" for name in self.observers or ()]
        options += ["--logits"] if self.logits else []
        options += ["--all-folds"] if self.all_folds else []
        return options + ([] if self.tree is None else [f"--tree={self.tree}"])
