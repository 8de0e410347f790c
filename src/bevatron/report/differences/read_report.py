"""Reading one side of a comparison: a folder of results, a report, or the page of one study in it.

A report is enough. Of results without a report, metrics and settings are read from the stages' own files.
"""

from pathlib import Path
from typing import Any

from bevatron.config.loading.digest import digest_of
from bevatron.errors import UserError
from bevatron.regular_files import is_file, is_folder, is_there
from bevatron.report.differences.read_parts import GET_AGAIN, is_study_name, parse, read_mapping
from bevatron.report.differences.read_results import complete_study, find_studies, read_results
from bevatron.report.differences.recorded import (
    ClaimsPart,
    ProvenancePart,
    ReportContent,
    StudyContent,
    StudyPart,
)
from bevatron.report.ledger.reported import CLAIMS
from bevatron.report.provenance.record import PROVENANCE, SCHEMA_VERSION
from bevatron.report.provenance.table_metrics import collect_metrics
from bevatron.store.files.checksum import CHECKSUM
from bevatron.store.files.publish import sha256_of


def read_report(path: Path) -> ReportContent:
    """What `path` says: results, results/report, results/report/<study>, or the index.html in one of the last two.

    Raises UserError, in one line, where there is no report and no results, and for a file that is damaged.
    """
    if not is_there(path):
        raise UserError(path, "no such file or folder", "name a folder of results, or of a report")
    folder = path if is_folder(path) else path.parent
    if is_file(folder / CLAIMS) or (is_file(folder / PROVENANCE) and is_folder(folder / "plots")):
        study = read_study_page(folder)
        return ReportContent(path, {study.name: study}, one_page=True)
    pages = find_pages(folder / "report" if is_folder(folder / "report") else folder)
    studies = [read_study_page(page) for page in pages]
    if is_folder(folder / "report") or not pages:
        studies = [complete_study(study, folder / study.name) for study in studies]
        found = {study.name for study in studies}
        studies += [read_results(place) for place in find_studies(folder) if place.name not in found]
    if not studies:
        what = f"holds no report (no */{CLAIMS}) and no results (no */evaluation)"
        raise UserError(path, what, "name a folder of results, or of a report")
    return ReportContent(path, {study.name: study for study in studies})


def find_pages(report: Path) -> list[Path]:
    """Folders of the studies that have a page, by name."""
    folders = {file.parent for name in (CLAIMS, PROVENANCE) for file in report.glob(f"*/{name}")}
    return sorted(folder for folder in folders if is_study_name(folder.name))


def read_study_page(folder: Path) -> StudyContent:
    """What a study's page says. What an older Bevatron did not write is listed as unknown."""
    claims_path, provenance_path = folder / CLAIMS, folder / PROVENANCE
    unknown, claims, metrics, provenance = [], None, None, ProvenancePart()
    of_claims, name = ClaimsPart(), folder.resolve().name
    if is_file(claims_path):
        payload = read_mapping(claims_path)
        of_claims, name = parse(claims_path, ClaimsPart, payload), str(payload.get("study", name))
    if of_claims.claims is None:
        unknown.append(f"verdicts ({claims_path.name} does not have them)")
    else:
        claims = {claim.id: claim for claim in of_claims.claims}
    if is_file(provenance_path):
        if of_claims.page.get(PROVENANCE) not in (None, sha256_of(provenance_path)):
            what = f"was not written with the {CLAIMS} beside it: one of the two was changed, damaged or copied alone"
            raise UserError(provenance_path, what, GET_AGAIN)
        provenance = parse(provenance_path, ProvenancePart, _read_provenance(provenance_path))
        if name not in provenance.studies and len(provenance.studies) == 1 and not is_file(claims_path):
            (name,) = provenance.studies
        metrics = collect_metrics(name, provenance.numbers) if provenance.numbers else None
    else:
        unknown.append(f"metrics, versions and settings (there is no {provenance_path.name})")
    part = provenance.studies.get(name, StudyPart())
    if part.config_digest is None or part.scale is None:
        known = {"config_digest": part.config_digest or of_claims.config_digest, "scale": part.scale or of_claims.scale}
        part = part.model_copy(update=known)
    return StudyContent(name, part, claims, metrics, provenance.versions, tuple(unknown))


def _read_provenance(path: Path) -> dict[str, Any]:
    return read_mapping(path, _check_provenance)


def _check_provenance(payload: dict[str, Any], path: Path, todo: str) -> None:
    """Its digest is made otherwise than that of the stages' records."""
    if payload.get("schema_version", SCHEMA_VERSION) != SCHEMA_VERSION:
        what = f"is of version {payload['schema_version']!r:.40}; this Bevatron reads {SCHEMA_VERSION}"
        raise UserError(path, what, "compare with the Bevatron that wrote the newer of the two")
    content = {key: value for key, value in payload.items() if key != CHECKSUM}
    if CHECKSUM in payload and payload[CHECKSUM] != digest_of("provenance", content):
        raise UserError(path, "does not match its own digest: it was changed or damaged", todo)
