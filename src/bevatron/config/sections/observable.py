"""The section of one observable: a single number per sample, looked at without any network."""

from pydantic import Field

from bevatron.config.sections.section import Integer, Name, Real, Section


class Observable(Section):
    """A feature of the samples, drawn in the report and usable as a cut to compare networks with."""

    title: str = Field(description="axis label, without its unit")
    group: Name = Field(description="input group of the dataset")
    feature: str = Field(description="feature of that group")
    position: Integer | None = Field(
        default=None, ge=0, description="for ragged groups: which element of the sample, counted from 0"
    )
    range: tuple[Real, Real] | None = Field(default=None, description="interval drawn; default: the central 98 %")
    log: bool = Field(default=False, description="draw the counts on a logarithmic axis")
