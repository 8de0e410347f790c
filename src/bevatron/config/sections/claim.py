"""The section of one claim: a testable statement from the literature."""

from typing import Literal

from pydantic import Field

from bevatron.config.loading.kinds import ClaimTestOptions
from bevatron.config.sections.section import Name, Section


class Claim(Section):
    """A statement, where it comes from, and the test over measured metrics that decides it."""

    id: Name = Field(description="short name, unique in the study")
    statement: str = Field(description="the claim in words, as in the source")
    source: str = Field(description="where the claim comes from")
    scale: Literal["demo", "laptop", "paper"] | None = Field(
        default=None,
        description="the only scale at which it is decided; at another its numbers are shown and no verdict is given",
    )
    exact: bool = Field(
        default=False, description="arithmetic or a theorem: checked, and not counted among the verdicts"
    )
    test: ClaimTestOptions = Field(description="the test, with thresholds set before looking at any result")
