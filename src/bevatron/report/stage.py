"""Write the report: a page for each study, drawn by itself, and the ledger of all studies that have one."""

import logging
from collections.abc import Sequence
from pathlib import Path

from bevatron.config.loading.digest import digest_of
from bevatron.config.loading.load_lessons import Lesson
from bevatron.config.sections.course import Course
from bevatron.config.sections.study import Study
from bevatron.csv_text import encode_table
from bevatron.report.course.lesson_pages import render_course
from bevatron.report.explore.page import EXPLORE, PLOTLY, plotly_script, render_explore
from bevatron.report.explore.panel import build_all_panels
from bevatron.report.ledger.claims_table import claims_table
from bevatron.report.ledger.course_index import index_course, index_table
from bevatron.report.ledger.decided import decide_claims, record_of
from bevatron.report.ledger.reported import CLAIMS, LoadStudy, read_reported
from bevatron.report.page.chapter import draw_chapter
from bevatron.report.page.render import render_ledger, render_study
from bevatron.report.plots.style import BESIDE, Pdf, page_style
from bevatron.report.provenance.record import PAGE, PROVENANCE, ledger_provenance, study_provenance
from bevatron.report.results.study_results import read_study
from bevatron.store.files.plain_names import inside
from bevatron.store.files.publish import publish_bytes, publish_json, sha256_of
from bevatron.store.records.claims import ClaimsRecord, FailureRecord, write_claims
from bevatron.versions import versions

log = logging.getLogger("bevatron")
DECISIVE = ("manifest.json", "data.json", "metrics.json")  # files of the results that verdicts are decided from


def write_study_page(study: Study, scale: str, results: Path, output_folder: Path, pdf: Pdf = "shown") -> None:
    """Publish a study's `tables/*.csv`, `plots/*`, `explore.html`, `provenance.json`, `index.html` and, last,
    `claims.json`.

    pdf: of which figures there is a PDF beside the SVG, as `page_style` says. Equal results give equal bytes. A figure,
    table or panel that cannot be made is told in the page and in the log, and costs nothing else. Raises UserError,
    with the command that makes it, for a missing or damaged file.
    """
    study_results = read_study(study, results)
    entries = decide_claims(study_results, scale)
    claims = tuple(record_of(entry) for entry in entries)
    with page_style(pdf):
        chapter = draw_chapter(study_results)
    files = {f"tables/{table.name}.csv": encode_table(table.to_csv()) for table in chapter.tables}
    files |= {f"plots/{name}": content for figure in chapter.figures for name, content in figure.files.items()}
    panels = build_all_panels(study_results)
    files[EXPLORE] = render_explore(study, panels, scale).encode()
    failures = chapter.failures + [(f"explore-{panel.name}", panel.failure) for panel in panels if panel.failure]
    page = render_study(chapter, claims, scale, failures, EXPLORE).encode()
    for name, content in files.items():
        publish_bytes(inside(output_folder, name), content)
    for name in {f"plots/{figure.name}.{suffix}" for figure in chapter.figures for suffix in BESIDE} - set(files):
        inside(output_folder, name).unlink(missing_ok=True)  # of an earlier page, whose figure had more
    numbers = [number for table in chapter.tables for number in table.numbers()]
    origin = study_provenance(scale, study_results, entries, numbers, results, files | {PAGE: page})
    publish_json(output_folder / PROVENANCE, origin)
    publish_bytes(output_folder / PAGE, page)
    record = ClaimsRecord(
        study=study.name,
        title=study.title,
        scale=scale,
        bevatron=versions()["bevatron"],
        config_digest=digest_of(study),
        claims=claims,
        failures=tuple(FailureRecord(name=name, reason=reason) for name, reason in failures),
        results={
            name.removeprefix(f"{study.name}/"): digest
            for name, digest in origin["files"]["results"].items()
            if name.endswith(DECISIVE)
        },
        page={name: sha256_of(output_folder / name) for name in (PAGE, PROVENANCE)},
    )
    write_claims(output_folder / CLAIMS, record)
    if failures:
        names = ", ".join(name for name, _ in failures)
        log.warning("%s: %d of its figures and tables could not be made: %s", PAGE, len(failures), names)
    log.info("%s: %d models, %d claims", output_folder / PAGE, len(study.models), len(claims))


def write_ledger(
    scale: str,
    studies: list[str],
    configured: list[str],
    load_study: LoadStudy,
    results: Path,
    output_folder: Path,
    missing: dict[str, str] | None = None,
    course: Course | None = None,
    lessons: Sequence[Lesson] = (),
) -> None:
    """Publish `tables/claims.csv`, `plotly.min.js`, `provenance.json` and, last, `index.html`, from the studies'
    `*/claims.json`.

    studies: those of this run, which must have a page; other studies that have one are shown as well, each with its
    scale, and with what is wrong where its verdicts are not to be trusted. missing: studies left out, and why. course:
    its index is shown, and is `tables/course.csv`. lessons: those of the course; each has a page in `course/`. Raises
    UserError, with the command that makes it, for a missing or damaged file of a study of this run, and for a lesson
    that is not well formed.
    """
    reported = read_reported(output_folder, results, studies, configured, load_study)
    index = index_course(course, reported, scale, lessons) if course else []
    tables = [claims_table(reported, scale), *([index_table(index)] if course else [])]
    files = {f"tables/{table.name}.csv": encode_table(table.to_csv()) for table in tables}
    if course and lessons:
        files |= render_course(course, lessons, index, reported, scale, output_folder)
    files[PLOTLY] = plotly_script()  # once, for the pages to explore of all studies
    page = render_ledger(reported, scale, missing or {}, course, index).encode()
    for name, content in files.items():
        publish_bytes(inside(output_folder, name), content)
    pages = {study.name: study.record.page[PROVENANCE] for study in reported if study.record is not None}
    origin = ledger_provenance(scale, pages, [n for table in tables for n in table.numbers()], files | {PAGE: page})
    publish_json(output_folder / PROVENANCE, origin)
    publish_bytes(output_folder / PAGE, page)
    for study in (study for study in reported if study.state):
        log.warning("%s is not counted: %s", study.name, study.state)
    n_claims = sum(len(study.claims) for study in reported if study.counts_at(scale))
    log.info("%s: %d studies, %d claims at scale %s", output_folder / PAGE, len(reported), n_claims, scale)
