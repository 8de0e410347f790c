"""The section of one observable: a single number per sample, looked at without any network."""

from typing import ClassVar, Literal

from pydantic import Field

from bevatron.config.sections.section import Integer, Name, Real, WithLaterKeys


class Observable(WithLaterKeys):
    """A feature of the samples, drawn in the report and usable as a cut to compare networks with."""

    LATER: ClassVar[tuple[str, ...]] = ("samples",)

    title: str = Field(description="axis label, without its unit")
    group: Name = Field(description="input group of the dataset")
    feature: str = Field(description="feature of that group")
    position: Integer | None = Field(
        default=None, ge=0, description="for ragged groups: which element of the sample, counted from 0"
    )
    range: tuple[Real, Real] | None = Field(default=None, description="interval drawn; default: the central 98 %")
    log: bool = Field(default=False, description="draw the counts on a logarithmic axis")
    samples: Literal["test", "all"] = Field(
        default="test",
        description="'all': of the training and validation split as well, as nothing is learned from it; no claim may "
        "then compare it with a model, which has learned from some of these samples",
    )
