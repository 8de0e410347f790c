"""The section `dataset.balance`: classes of one spectrum, over the whole dataset."""

from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from bevatron.config.sections.section import Positive, Real, Section

RAREST, FLAT = "rarest", "flat"


class Balance(Section):
    """Samples are kept, or weighted, so that classes have one spectrum: what is counted is the whole training split."""

    method: Literal["resample", "reweight"] = Field(
        description="resample: leave samples out by chance; reweight: give each a weight"
    )
    bins: dict[str, list[Real]] = Field(
        default={},
        description="by variable, the borders between its bins; the first and the last bin are open. A variable is a "
        "feature of a group of numbers (`group.feature`) or an observer. Default: one bin, so that the classes alone "
        "are balanced",
    )
    to: str = Field(
        default=RAREST,
        description="rarest: in each bin as many of each class as the rarest has; flat: as many in all bins; or a "
        "class, whose spectrum all get",
    )
    target: str | None = Field(
        default=None,
        description="the target with the classes; default: the task's. Without classes the bins alone are balanced",
    )
    largest: Positive = Field(
        default=10.0, gt=1.0, description="with reweight, the largest weight of a sample, by the mean of its class"
    )
    splits: list[Literal["train", "val", "test"]] = Field(
        default=["train", "val"], description="the splits that are balanced", min_length=1
    )

    @model_validator(mode="after")
    def _borders_rise(self) -> "Balance":
        for name, borders in self.bins.items():
            if not borders or any(a >= b for a, b in pairwise(borders)):
                raise ValueError(f"bins.{name}: borders must rise, found {borders}")
        return self
