"""Reading `provenance.json`: which numbers a report holds, where they come from, and whether the files still match."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bevatron.config.loading.digest import digest_of
from bevatron.config.sections.section import Name
from bevatron.errors import UserError
from bevatron.json_text import read_json
from bevatron.regular_files import is_file, is_folder
from bevatron.report.provenance.record import PROVENANCE, SCHEMA_VERSION
from bevatron.store.files.plain_names import Digest, RelativePath
from bevatron.store.files.publish import sha256_of
from bevatron.store.files.verify import verify

REPORT_AGAIN = "run `bevatron report-study` and `bevatron report` again, or the workflow"


@dataclass(frozen=True)
class Trace:
    """A report's provenance with that of its studies, the report's folder, and that of the results it was made from."""

    payload: dict[str, Any]
    report: Path
    results: Path

    def numbers(self, table: str | None = None) -> list[dict[str, Any]]:
        """Every number (of one table) with all that it came from: nothing is left to be looked up."""
        selected = [number for number in self.payload["numbers"] if table in (None, number["table"])]
        if table is not None and not selected:
            known = ", ".join(sorted({number["table"] for number in self.payload["numbers"]}))
            raise UserError(self.report / PROVENANCE, f"has no table '{table}'", f"it has: {known}")
        return [number | self.origin(number) for number in selected]

    def origin(self, number: dict[str, Any]) -> dict[str, Any]:
        """Digests, runs, seeds, versions and the command behind a number of the tables or of a claim."""
        study = self.payload["studies"][number["study"]]
        keys = ("config_digest", "raw_digest", "dataset_digest", "manifest_sha256", "simulation_seed")
        origin = {key: study[key] for key in (*keys, "simulation_versions")}
        origin["code_versions"] = study.get("code_versions", {})  # none in a report of an older Bevatron
        stage, model = number["stage"], number.get("model")
        command = study["commands"][stage]
        if number.get("variation"):
            command = study["commands"]["variations"][number["variation"]]
        origin["command"] = command[model] if isinstance(command, dict) else command
        if stage == "observables":
            origin["observed_with"] = study["observed_with"]
        if stage == "search":
            origin["search_digest"] = study["models"][model]["search_digest"]
        if stage in ("train", "evaluate"):
            seed = number.get("seed")
            runs = [run for run in study["models"][model]["runs"] if seed in (None, run["seed"])]
            origin |= {"seeds": [run["seed"] for run in runs], "runs": runs}
        if stage == "evaluate":
            origin["evaluated_with"] = study["models"][model]["evaluated_with"]
        return origin

    def claims(self) -> list[dict[str, Any]]:
        """Every claim with its verdict; its numbers with all that they came from."""
        return [claim | {"numbers": [n | self.origin(_add_stage(claim, n)) for n in claim["numbers"]]}
                for claim in self.payload["claims"]]  # fmt: skip

    def find_changed(self, data: bool = False) -> tuple[list[str], list[Path]]:
        """Files that differ from what the report was made of, a line each, and files that are not there any more.

        data: the datasets' shards too, against their manifests.
        """
        lines, missing = [], []
        for folder, files in (
            (self.results, self.payload["files"]["results"]),
            (self.report, self.payload["files"]["report"]),
        ):
            for name, expected in files.items():
                path = folder / name
                if not is_file(path):
                    missing.append(path)
                elif sha256_of(path) != expected:
                    lines.append(f"{path}: is not the file that the report was made with; {REPORT_AGAIN}")
        if data:
            for study in self.payload["studies"]:
                lines += verify(self.results / study / "dataset" / "manifest.json")
        return lines, missing


def read_trace(report: Path, results: Path | None = None) -> Trace:
    """The provenance of a report, or of one study's page in it: `report` is the folder, the page or the file itself.

    results: the folder of results, where it is not the one that holds the report: a page is in results/report/<study>.
    Raises UserError for a report without provenance, or one that was changed; so for that of each study whose verdicts
    a ledger has.
    """
    folder = (report if is_folder(report) else report.parent).absolute()
    payload = _read_payload(folder / PROVENANCE)
    is_page = "pages" not in payload
    for study, expected in payload.pop("pages", {}).items():
        path = folder / study / PROVENANCE
        page = _read_payload(path)
        payload["files"]["report"][f"{study}/{PROVENANCE}"] = expected
        payload["files"]["report"] |= {f"{study}/{name}": d for name, d in page["files"]["report"].items()}
        payload["files"]["results"] |= page["files"]["results"]
        payload["studies"] |= page["studies"]
        for key in ("claims", "numbers"):
            payload[key] += page[key]
    return Trace(payload, folder, results or (folder.parent.parent if is_page else folder.parent))


def _read_payload(path: Path) -> dict[str, Any]:
    """A provenance.json without its version and checksum, which are checked."""
    try:
        payload = read_json(path)
        version, checksum = payload.pop("schema_version"), payload.pop("sha256")
    except FileNotFoundError:
        raise UserError(path, "no such file", "name the folder of a report, e.g. results/report") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(path, f"is no provenance of a report: {error!r}", REPORT_AGAIN) from None
    if version != SCHEMA_VERSION:
        raise UserError(path, f"is of version {version}; this Bevatron reads {SCHEMA_VERSION}", REPORT_AGAIN)
    if checksum != digest_of("provenance", {"schema_version": version, **payload}):
        raise UserError(path, "does not match its own digest: it was changed or damaged", REPORT_AGAIN)
    try:
        _PathParts.model_validate(payload)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(step) for step in first["loc"])
        raise UserError(path, f"is no provenance of a report: {key}: {first['msg']}", REPORT_AGAIN) from None
    return payload


class _Files(BaseModel):
    """The report's own files by their path in its folder, and the results' by theirs."""

    report: dict[RelativePath, Digest]
    results: dict[RelativePath, Digest]


class _PathParts(BaseModel):
    """What becomes a part of paths."""

    files: _Files
    studies: dict[Name, dict[str, Any]]
    pages: dict[Name, Digest] = {}


def _add_stage(claim: dict[str, Any], number: dict[str, Any]) -> dict[str, Any]:
    return {**number, "study": claim["study"], "stage": "evaluate" if "model" in number else "observables"}
