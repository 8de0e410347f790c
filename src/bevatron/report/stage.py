"""Write the report: one page, its tables and its plots, from everything the other stages published."""

import logging
from pathlib import Path

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.report.page.chapter import Chapter
from bevatron.report.page.drawing import draw_chapters
from bevatron.report.page.ledger import Entry, ledger_of, tally
from bevatron.report.page.page import render
from bevatron.report.provenance.origin import Origin
from bevatron.report.provenance.record import PAGE, PROVENANCE, provenance_of
from bevatron.report.results.study_results import read_study
from bevatron.report.tables.table import Table
from bevatron.store.files.plain_names import inside
from bevatron.store.files.publish import publish_bytes, publish_json

log = logging.getLogger("bevatron")


def write_report(
    workflow: Workflow,
    studies: list[Study],
    results: Path,
    output_folder: Path,
    processes: int = 1,
    missing: dict[str, str] | None = None,
) -> None:
    """Publish `tables/*.csv`, `plots/*`, `provenance.json` and, last, `index.html` in `output_folder`.

    processes: that draw at once; the same results give the same bytes whatever their number. missing: studies left out,
    and why. A figure or table that cannot be made is told in the page and in the log, and costs nothing else. Raises
    UserError, with the command that makes it, for a missing or damaged file.
    """
    studies_results = [read_study(study, results) for study in studies]
    ledger = ledger_of(studies_results, workflow.scale)
    chapters = draw_chapters(studies_results, processes)
    tables = [claims_table(ledger), *(t for c in chapters for t in c.tables)]
    files = {f"tables/{table.name}.csv": table.to_csv().encode() for table in tables}
    files |= {f"plots/{figure.file}": figure.content for c in chapters for figure in c.figures}
    page = render(workflow, ledger, chapters, missing or {}).encode()
    for name, content in files.items():
        publish_bytes(inside(output_folder, name), content)
    numbers = [number for table in tables for number in table.numbers()]
    origin = provenance_of(workflow, studies_results, ledger, numbers, results, files | {PAGE: page})
    publish_json(output_folder / PROVENANCE, origin)
    publish_bytes(output_folder / PAGE, page)
    if failures := [name for chapter in chapters for name, _ in chapter.failures]:
        log.warning("%s: %d of its figures and tables could not be made: %s", PAGE, len(failures), ", ".join(failures))
    log.info("%s: %s", output_folder / PAGE, _summary(ledger, chapters))


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
            e.decision.decisive.meaning,
            e.claim.statement,
            e.decision.sentence,
            "; ".join(e.decision.notes),
            e.claim.source,
        )
        for e in ledger
    )
    head = ("study", "claim", "verdict", "distance [sigma]", "margin", "margin error", "margin of")
    head += ("statement", "measured", "notes", "source")
    origins = tuple(Origin(e.study.name, "report", claim=e.claim.id) for e in ledger)
    return Table("claims", "The ledger of claims.", head, rows, origins)


def _summary(ledger: list[Entry], chapters: list[Chapter]) -> str:
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in tally(ledger).items())
    return f"{len(chapters)} studies, {len(ledger)} claims ({verdicts})"
