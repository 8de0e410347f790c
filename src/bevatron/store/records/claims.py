"""`claims.json`: the verdicts on one study's claims, written with the study's page and read by the ledger."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bevatron.store.files.plain_names import Digest, RelativePath
from bevatron.store.records.record import (
    Finite,
    PublishedRecord,
    Record,
    YesNo,
    check_made_for,
    publish_record,
    read_record,
)

Verdict = Literal["reproduced", "not reproduced", "not at this scale", "undecided"]
Probability = Annotated[Finite, Field(ge=0, le=1)]


class MarginRecord(Record):
    """By how much one condition of a claim is met; a number that does not exist is null."""

    meaning: str = Field(description="what the margin is the margin of")
    value: Finite | None = Field(description="the measured quantity minus what the claim wants")
    error: Finite | None = Field(description="standard error of the value")
    worst_seed: Finite | None = Field(description="the value for the worst combination of seeds")
    distance: Finite | None = Field(
        description="the value in standard deviations of a normal distribution, between -10 and 10; null where what "
        "depends on training was trained once"
    )


class ClaimRecord(Record):
    """One claim with its verdict."""

    id: str = Field(description="the claim's id in the study")
    statement: str = Field(description="what the literature says")
    source: str = Field(description="where it says so")
    verdict: Verdict = Field(description="what the measured numbers say")
    sentence: str = Field(description="the measured numbers in one sentence")
    notes: tuple[str, ...] = Field(description="what limits the verdict")
    exact: YesNo = Field(description="whether it is arithmetic or a theorem: checked, and not counted as a verdict")
    p_reproduced: Probability = Field(
        description="how probable numbers that look at least as true are where the claim is false"
    )
    p_not_reproduced: Probability = Field(
        description="how probable numbers that look at least as false are where it is true, corrected for the number "
        "of conditions"
    )
    sigmas: Finite = Field(gt=0, description="standard deviations that a verdict needs")
    margins: tuple[MarginRecord, ...] = Field(min_length=1, description="the margin of each condition")


class FailureRecord(Record):
    """A figure or table of the study's page that could not be made."""

    name: str = Field(description="the figure's or table's name")
    reason: str = Field(description="why it could not be made")


class ClaimsRecord(PublishedRecord):
    """All of claims.json."""

    REFUSAL: ClassVar[str] = "holds no verdicts"

    study: str = Field(description="name of the study")
    title: str = Field(description="the study's title")
    scale: str = Field(description="the scale at which the study was run")
    bevatron: str = Field(description="the version of Bevatron that decided")
    config_digest: Digest = Field(description="identity of the study's settings at this scale")
    claims: tuple[ClaimRecord, ...] = Field(description="the claims, in the order of the study's file")
    failures: tuple[FailureRecord, ...] = Field(description="figures and tables of the page that could not be made")
    results: dict[RelativePath, Digest] = Field(
        description="SHA-256 of the files in the study's folder of results that the verdicts are decided from"
    )
    page: dict[RelativePath, Digest] = Field(
        description="SHA-256 of the study's page and its provenance, which are beside this file"
    )


def write_claims(path: Path, claims: ClaimsRecord) -> None:
    """Publishes claims.json, atomically."""
    publish_record(path, claims)


def read_claims(path: Path, study: str) -> ClaimsRecord:
    """claims.json of `study`.

    Raises UserError as `read_record`, and for the claims of another study.
    """
    command = f"bevatron report-study {study}"
    claims = read_record(path, ClaimsRecord, command)
    check_made_for(path, claims, command, study=study)
    return claims
