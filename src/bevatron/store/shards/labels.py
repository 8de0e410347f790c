"""Labels that do not exclude one another: a target of zeros and ones, a column for each label."""

from pathlib import Path

import numpy as np

from bevatron.errors import UserError


def counts_of_labels(path: Path, name: str, labels: np.ndarray, names: tuple[str, ...]) -> dict[str, int]:
    """How many samples have each label, of a target `name` (n, n_labels) of the shard `path`.

    Raises UserError, naming the row and the label, for a number that is neither 0 nor 1.
    """
    wrong = (labels != 0) & (labels != 1)
    if wrong.any():
        row, column = (int(i) for i in np.argwhere(wrong)[0])
        what = f"target '{name}', row {row}, label '{names[column]}': found {labels[row, column]:g}, expected 0 or 1"
        raise UserError(path, what, "fix the source or recipe, or use another task")
    return {label: int(count) for label, count in zip(names, (labels == 1).sum(axis=0), strict=True)}
