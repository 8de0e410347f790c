"""The course of a fit, as its run has published it."""

from pathlib import Path

from bevatron.csv_text import read_rows
from bevatron.errors import UserError
from bevatron.regular_files import is_file
from bevatron.store.files.publish import sha256_of
from bevatron.store.records.runs import RunRecord

HISTORY = "history.csv"
LOSSES = ("train_loss", "val_loss")


def read_history(run: RunRecord, folder: Path) -> dict[int, dict[str, float]]:
    """By epoch of each validation, "train_loss" and "val_loss"; empty of a run without a history (a fit in closed
    form). folder: that of the model's runs. Raises UserError for a file that is missing, changed or no history.
    """
    path = folder / run.folder / HISTORY
    if HISTORY not in run.files:
        return {}
    if not is_file(path) or sha256_of(path) != run.files[HISTORY]:
        what = "is missing, or does not match its SHA-256 in runs.json"
        raise UserError(path, what, "run the training again")
    try:
        return {int(row["epoch"]): {name: float(row[name]) for name in LOSSES} for row in read_rows(path)}
    except (ValueError, KeyError) as error:
        raise UserError(path, f"is no history of a fit: {error}", "run the training again") from None
