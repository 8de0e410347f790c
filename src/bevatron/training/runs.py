"""The finished trainings of a model, as `runs.json` lists them, checked file by file."""

from pathlib import Path
from typing import Any

from bevatron.errors import UserError
from bevatron.json_text import read_json
from bevatron.store.files.checksum import check_checksum
from bevatron.store.files.publish import sha256_of
from bevatron.training.run_records import RunRecord, check_runs

SCHEMA_VERSION = 1
LOADED = ("weights.safetensors", "model.json")


def load_runs(path: Path, study: str, model: str, manifest_sha256: str) -> list[dict[str, Any]]:
    """The entries of runs.json, a run each, in the order of their seeds; raises as `read_runs` does."""
    return read_runs(path, study, model, manifest_sha256)["runs"]


def read_runs(path: Path, study: str, model: str, manifest_sha256: str) -> dict[str, Any]:
    """All of runs.json, its "runs" in the order of their seeds.

    Raises UserError where the file is missing or damaged, speaks of another study, model or dataset, or
    where a run's weights or description are missing or differ from their SHA-256.
    """
    todo = f"run `bevatron train {study} {model}` again"
    try:
        payload = read_json(path)
        version = payload["schema_version"]
    except FileNotFoundError:
        raise UserError(path, "no such file", f"run `bevatron train {study} {model}`, which makes it") from None
    except OSError as error:
        raise UserError(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(path, f"is no list of runs: {error!r}", todo) from None
    check_checksum(payload, path, todo)
    if version != SCHEMA_VERSION:
        raise UserError(path, f"is of version {version}; this Bevatron reads version {SCHEMA_VERSION}", todo)
    try:
        runs = check_runs(RunRecord, payload["runs"])
        recorded = {key: payload[key] for key in ("study", "model", "manifest_sha256")}
        files = [(path.parent / run["folder"] / file, run["files"][file]) for run in runs for file in LOADED]
    except ValueError as error:
        raise UserError(path, f"is no list of runs: {error}", todo) from None
    except (KeyError, TypeError) as error:
        raise UserError(path, f"is no list of runs: {error!r}", todo) from None
    for key, expected in (("study", study), ("model", model), ("manifest_sha256", manifest_sha256)):
        if recorded[key] != expected:
            what = "dataset (manifest)" if key == "manifest_sha256" else key
            raise UserError(path, f"was made for the {what} {_short(recorded[key])}, expected {_short(expected)}", todo)
    if not runs:
        raise UserError(path, "lists no run", todo)
    for file, expected in files:
        if not file.is_file():
            raise UserError(file, f"is missing, though {path} lists it", todo)
        if sha256_of(file) != expected:
            raise UserError(file, f"does not match its SHA-256 in {path}: it was changed or damaged", todo)
    return {**payload, "runs": runs}


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else f"'{text}'"
