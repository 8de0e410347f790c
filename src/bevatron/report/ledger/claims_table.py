"""The ledger as a table."""

from bevatron.report.ledger.reported import ReportedStudy
from bevatron.report.provenance.origin import Origin
from bevatron.report.tables.table import Table

HEAD = (
    "study",
    "claim",
    "verdict",
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


def claims_table(studies: list[ReportedStudy], scale: str) -> Table:
    """A row for each claim; `counted` says whether its verdict is in the ledger's tally, `state` what is wrong."""
    rows, origins = [], []
    for study in studies:
        for claim, decision in study.decisions:
            margin = decision.decisive
            start = (study.name, claim.id, claim.verdict, margin.distance, margin.value, margin.error, margin.meaning)
            words = (claim.statement, claim.sentence, "; ".join(claim.notes), claim.source)
            counted = "yes" if study.counts_at(scale) else "no"
            state = study.state or ("" if study.configured else "not part of the configuration")
            rows.append((*start, *words, study.record.scale if study.record else "", counted, state))
            origins.append(Origin(study.name, "report", claim=claim.id))
    return Table("claims", "The ledger of claims.", HEAD, tuple(rows), tuple(origins))
