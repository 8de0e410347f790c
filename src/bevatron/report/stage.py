"""Write the report: one page, its tables and its plots, from everything the other stages published."""

import logging
from pathlib import Path

from bevatron.config.study import Study
from bevatron.config.workflow import Workflow
from bevatron.report.chapter import Chapter, chapter_of
from bevatron.report.ledger import Entry, ledger_of, tally
from bevatron.report.page import render
from bevatron.report.plots.style import page_style
from bevatron.report.results import read_study
from bevatron.report.table import Table
from bevatron.store.publish import publish_bytes, publish_text

log = logging.getLogger("bevatron")


def write_report(workflow: Workflow, studies: list[Study], results: Path, output_folder: Path) -> None:
    """Publish `index.html`, `tables/*.csv` and `plots/*` in `output_folder`; the page comes last.

    The same results give the same bytes. Raises UserError, with the command that makes it, for a missing
    file.
    """
    read = [read_study(study, results) for study in studies]
    ledger = ledger_of(read)
    with page_style():
        chapters = [chapter_of(r) for r in read]
    for table in [claims_table(ledger), *(t for c in chapters for t in c.tables)]:
        publish_text(output_folder / "tables" / f"{table.name}.csv", table.to_csv())
    for picture in (p for c in chapters for p in c.pictures):
        publish_bytes(output_folder / "plots" / picture.file, picture.content)
    publish_text(output_folder / "index.html", render(workflow, ledger, chapters))
    log.info("%s: %s", output_folder / "index.html", _summary(ledger, chapters))


def claims_table(ledger: list[Entry]) -> Table:
    """The ledger as a table."""
    rows = tuple(
        (
            e.study.name,
            e.claim.id,
            e.decision.verdict,
            e.decision.decisive.distance,
            e.decision.decisive.value,
            e.decision.decisive.error,
            e.decision.decisive.words,
            e.claim.statement,
            e.decision.sentence,
            "; ".join(e.decision.notes),
            e.claim.source,
        )
        for e in ledger
    )
    head = ("study", "claim", "verdict", "distance [sigma]", "margin", "margin error", "margin of")
    head += ("statement", "measured", "notes", "source")
    return Table("claims", "The ledger of claims.", head, rows)


def _summary(ledger: list[Entry], chapters: list[Chapter]) -> str:
    words = ", ".join(f"{n} {verdict}" for verdict, n in tally(ledger).items())
    return f"{len(chapters)} studies, {len(ledger)} claims ({words})"
