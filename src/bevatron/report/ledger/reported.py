"""The studies that have a page in the report's folder, with their verdicts, and whether those can still be trusted."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bevatron.config.loading.digest import digest_of
from bevatron.config.sections.section import Name
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.regular_files import is_file
from bevatron.report.claims.decision import Decision
from bevatron.report.ledger.decided import decision_of
from bevatron.store.files.publish import sha256_of
from bevatron.store.records.claims import ClaimRecord, ClaimsRecord, FailureRecord, read_claims

CLAIMS = "claims.json"
VERDICTS = ("reproduced", "not reproduced", "undecided", "not at this scale")
LoadStudy = Callable[[str, str], Study]
"""A study's settings by its name and a scale; raises UserError for those that cannot be read."""


@dataclass(frozen=True)
class ReportedStudy:
    """A study's verdicts as its page has them.

    record: None where claims.json or the page is damaged. state: why they are not to be trusted, '' where they are.
    drawn: when, of a study that is not of this run. configured: whether config.yaml names it.
    """

    name: str
    record: ClaimsRecord | None
    state: str
    drawn: str = ""
    configured: bool = True

    @property
    def title(self) -> str:
        """The study's title, where it is known."""
        return self.record.title if self.record else self.name

    @property
    def claims(self) -> tuple[ClaimRecord, ...]:
        """The claims with their verdicts, whether they are to be trusted or not."""
        return self.record.claims if self.record else ()

    @property
    def failures(self) -> tuple[FailureRecord, ...]:
        """Figures and tables of the page that could not be made."""
        return self.record.failures if self.record else ()

    @cached_property
    def decisions(self) -> list[tuple[ClaimRecord, Decision]]:
        """Each claim with its decision."""
        return [(claim, decision_of(claim)) for claim in self.claims]

    def counts_at(self, scale: str) -> bool:
        """Whether its verdicts belong to the ledger's tally at a scale."""
        return self.record is not None and not self.state and self.configured and self.record.scale == scale

    def tally(self) -> dict[str, int]:
        """How many of its claims have each verdict, without those that are exact."""
        measured = [claim.verdict for claim in self.claims if not claim.exact]
        return {verdict: measured.count(verdict) for verdict in VERDICTS}

    def exact_checks(self) -> tuple[int, int]:
        """How many of its exact claims hold, and how many there are."""
        verdicts = [claim.verdict for claim in self.claims if claim.exact]
        return verdicts.count("reproduced"), len(verdicts)


def read_reported(
    report: Path, results: Path, studies: list[str], configured: list[str], load_study: LoadStudy
) -> list[ReportedStudy]:
    """Those of this run first, then the others of the configuration, in its order, then those of no configuration.

    report: the report's folder; results: that of the results. Raises UserError for a study of the run whose
    claims.json or page is missing or damaged; of any other the entry's state says so.
    """
    others = [name for name in configured if name not in studies]
    found = sorted(path.parent.name for path in report.glob(f"*/{CLAIMS}"))
    others += [name for name in found if name not in (*studies, *others) and _is_study_name(name)]
    entries = [_read_study(report, results, name, name in configured, load_study) for name in studies]
    for name in others:
        if not is_file(report / name / CLAIMS):
            continue
        try:
            entry = _read_study(report, results, name, name in configured, load_study, in_run=False)
        except UserError as error:
            entry = ReportedStudy(name, None, str(error), configured=name in configured)
        entries.append(entry)
    return entries


def _is_study_name(name: str) -> bool:
    try:
        return bool(_NAME.validate_python(name))
    except ValidationError:
        return False


_NAME = TypeAdapter(Name)


def _read_study(
    report: Path, results: Path, name: str, configured: bool, load_study: LoadStudy, in_run: bool = True
) -> ReportedStudy:
    record = read_claims(report / name / CLAIMS, name)
    _check_page(report / name, record)
    configured = configured or in_run
    state = (_settings_state(record, load_study) or _results_state(results / name, record)) if configured else ""
    drawn = "" if in_run else _date_of(report / name / CLAIMS)
    return ReportedStudy(name, record, state, drawn, configured)


def _check_page(folder: Path, record: ClaimsRecord) -> None:
    """Raises UserError unless the page beside the verdicts is the one that was written with them."""
    again = f"run `bevatron report-study {record.study}` again, or the workflow"
    for file, expected in record.page.items():
        path = folder / file
        if not is_file(path):
            raise UserError(path, "is missing", again)
        if sha256_of(path) != expected:
            raise UserError(path, "is not the one that was written with the verdicts: it was changed or damaged", again)


def _settings_state(record: ClaimsRecord, load_study: LoadStudy) -> str:
    try:
        study = load_study(record.study, record.scale)
    except UserError as error:
        return f"its settings cannot be read: {error}"
    return "" if digest_of(study) == record.config_digest else "its settings have changed since"


def _results_state(folder: Path, record: ClaimsRecord) -> str:
    """Results that were removed to save space change no verdict; results that are others do."""
    for file, expected in record.results.items():
        path = folder / file
        if is_file(path) and sha256_of(path) != expected:
            return f"its results have changed since: {file}"
    return ""


def _date_of(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC")
