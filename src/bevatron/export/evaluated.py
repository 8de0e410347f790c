"""The metrics of the model that is exported, checked to be of the same runs."""

from pathlib import Path
from typing import Any

from bevatron.errors import UserError
from bevatron.json_text import read_json
from bevatron.store.files.checksum import check_checksum


def load_metrics(path: Path, study: str, model: str, manifest_sha256: str, runs: list[dict[str, Any]]) -> dict:
    """metrics.json of the model. Raises UserError for a missing or damaged one, and one of other runs or data."""
    again = f"run `bevatron evaluate {study} {model}` again"
    try:
        tree = read_json(path)
        found = {key: tree[key] for key in ("study", "model", "manifest_sha256")}
        digests = [run["digest"] for run in tree["runs"]]
        tree["metrics"], tree["n_test"], tree["confidence"]
    except FileNotFoundError:
        raise UserError(path, "no such file", f"run `bevatron evaluate {study} {model}`, which makes it") from None
    except OSError as error:
        raise UserError(path, f"cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(path, f"holds no metrics: {error!r}", again) from None
    check_checksum(tree, path, again)
    expected = {"study": study, "model": model, "manifest_sha256": manifest_sha256}
    if found != expected or digests != [run["digest"] for run in runs]:
        raise UserError(path, "holds the metrics of other runs or data", again)
    return tree
