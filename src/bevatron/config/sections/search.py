"""The section `search` of a model: a Ray Tune search over its hyperparameters."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bevatron.config.sections.section import Count, Integer, NonNegative, Positive, Real, Section, Seed


class Uniform(Section):
    """A number between two bounds."""

    kind: Literal["uniform"] = Field(description="uniform between low and high")
    low: Real = Field(description="lower bound")
    high: Real = Field(description="upper bound")

    @model_validator(mode="after")
    def _check_order(self) -> "Uniform":
        if self.low >= self.high:
            raise ValueError(f"low must be below high, found {self.low:g} and {self.high:g}")
        return self


class LogUniform(Section):
    """A positive number, uniform in its logarithm."""

    kind: Literal["log_uniform"] = Field(description="uniform in the logarithm between low and high")
    low: Positive = Field(description="lower bound")
    high: Positive = Field(description="upper bound")

    @model_validator(mode="after")
    def _check_order(self) -> "LogUniform":
        if self.low >= self.high:
            raise ValueError(f"low must be below high, found {self.low:g} and {self.high:g}")
        return self


class Integers(Section):
    """An integer between two bounds, both included."""

    kind: Literal["integers"] = Field(description="integers from low to high")
    low: Integer = Field(description="smallest")
    high: Integer = Field(description="largest")

    @model_validator(mode="after")
    def _check_order(self) -> "Integers":
        if self.low >= self.high:
            raise ValueError(f"low must be below high, found {self.low} and {self.high}")
        return self


class Choice(Section):
    """One of several values."""

    kind: Literal["choice"] = Field(description="one of the values")
    values: list[Any] = Field(description="the values", min_length=1)


Distribution = Annotated[Uniform | LogUniform | Integers | Choice, Field(discriminator="kind")]


class Search(Section):
    """Trials of a model with hyperparameters drawn by Optuna, the poor ones stopped early by ASHA."""

    space: dict[str, Distribution] = Field(
        description="what to search, by dotted key of the model's section, e.g. training.learning_rate",
        min_length=1,
    )
    trials: Count = Field(default=20, description="number of trials")
    epochs: Count = Field(default=10, description="epochs of a trial that is not stopped early")
    grace_period: Count = Field(default=1, description="epochs before ASHA may stop a trial")
    reduction_factor: Integer = Field(default=3, ge=2, description="ASHA keeps one trial in this many at each rung")
    seed: Seed = Field(default=1, description="seed of the sampler and of every trial's fit")
    cpus_per_trial: Count = Field(default=1, description="CPU cores of a trial")
    gpus_per_trial: NonNegative = Field(default=0.0, description="GPUs of a trial; a fraction shares one GPU")
    workers_per_trial: Count = Field(
        default=1, description="workers that fit a trial together, each with its part of the trial's cores and GPUs"
    )

    @model_validator(mode="after")
    def _workers_share_evenly(self) -> "Search":
        if self.gpus_per_trial > 1 and self.gpus_per_trial != self.workers_per_trial:
            raise ValueError(
                f"a worker fits on one GPU: gpus_per_trial {self.gpus_per_trial:g} needs as many workers_per_trial, "
                f"found {self.workers_per_trial}"
            )
        if self.cpus_per_trial % self.workers_per_trial:
            raise ValueError(
                f"cpus_per_trial must be a multiple of workers_per_trial, found {self.cpus_per_trial} and "
                f"{self.workers_per_trial}"
            )
        return self
