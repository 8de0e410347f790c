"""The ledger as a table, and the rates of false discoveries in it."""

from bevatron.report.ledger.false_discovery import false_discovery_rates, leaning_p_value, takes_part
from bevatron.report.ledger.reported import ReportedStudy
from bevatron.report.provenance.origin import Origin
from bevatron.report.tables.table import Table

HEAD = (
    "study",
    "claim",
    "verdict",
    "exact",
    "p",
    "false discovery rate",
    "distance [sigma]",
    "margin",
    "margin error",
    "margin of",
    "statement",
    "measured",
    "notes",
    "source",
    "scale",
    "counted",
    "state",
)


Rates = dict[tuple[str, str], float]
"""The rate of false discoveries of each claim, by study and id."""


def rates_of(studies: list[ReportedStudy], scale: str) -> Rates:
    """Of the claims that are counted at a scale and that chance can decide."""
    claims = [(study.name, c) for study in studies if study.counts_at(scale) for c in study.claims if takes_part(c)]
    rates = false_discovery_rates([leaning_p_value(claim) for _, claim in claims])
    return {(name, claim.id): rate for (name, claim), rate in zip(claims, rates, strict=True)}


def claims_table(studies: list[ReportedStudy], scale: str) -> Table:
    """A row for each claim; `counted` says whether its verdict is in the ledger's tally, `state` what is wrong."""
    rows, origins, rates = [], [], rates_of(studies, scale)
    for study in studies:
        for claim, decision in study.decisions:
            margin = decision.decisive
            chance = (leaning_p_value(claim), rates.get((study.name, claim.id)))
            start = (study.name, claim.id, claim.verdict, "yes" if claim.exact else "no", *chance)
            of_margin = (margin.distance, margin.value, margin.error, margin.meaning)
            words = (claim.statement, claim.sentence, "; ".join(claim.notes), claim.source)
            counted = "yes" if study.counts_at(scale) else "no"
            state = study.state or ("" if study.configured else "not part of the configuration")
            rows.append((*start, *of_margin, *words, study.record.scale if study.record else "", counted, state))
            origins.append(Origin(study.name, "report", claim=claim.id))
    return Table("claims", "The ledger of claims.", HEAD, tuple(rows), tuple(origins))
