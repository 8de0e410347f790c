"""How a fit went on towards its end, from its history."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bevatron.csv_text import read_rows
from bevatron.errors import UserError
from bevatron.regular_files import is_file

HISTORY = "history.csv"


def loss_spread(folders: Sequence[Path]) -> list[float] | None:
    """For each fit the standard deviation of the validation loss over the second half of its epochs, over their mean.

    It says whether a fit has settled, whatever the scale of its loss. None where a fit has fewer than two validations
    in its second half (a fit in closed form), or a loss of zero.
    """
    spreads = []
    for rows in map(_read_rows, folders):
        epochs = [(int(row["epoch"]), float(row["val_loss"])) for row in rows]
        late = np.array([loss for epoch, loss in epochs if 2 * epoch > epochs[-1][0]])
        if len(late) < 2 or not late.mean() > 0:
            return None
        spreads.append(float(late.std(ddof=1) / late.mean()))
    return spreads


def corrected_fraction(folders: Sequence[Path]) -> list[float] | None:
    """For each fit of a unit with a step the fraction of the last epoch's samples that were on the wrong side.

    Each such sample has the loss ½ and changes the weights, so that 0 says that nothing changes any more.
    """
    histories = [_read_rows(folder) for folder in folders]
    return [2 * float(rows[-1]["train_loss"]) for rows in histories] if all(histories) else None


def _read_rows(folder: Path) -> list[dict[str, str]]:
    path = folder / HISTORY
    if not is_file(path):
        raise UserError(path, "is missing", "run the training again")
    return read_rows(path)
