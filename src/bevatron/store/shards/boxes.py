"""The target of a detection: boxes of each sample, and what must hold of them."""

from pathlib import Path

import numpy as np

from bevatron.errors import UserError
from bevatron.store.shards.check import FIX_RECIPE


def counts_of_boxes(path: Path, name: str, boxes: np.ndarray, classes: tuple[str, ...]) -> dict[str, int]:
    """Samples that have a box of each class.

    boxes (n, max_boxes, 5): x1, y1, x2, y2 as fractions of the image's width and height, and the class number; -1 in
    all five where there is no box. Raises UserError, naming the row, for a target of another shape, a class number that
    is none of the classes', and a box without an area or that reaches out of the image.
    """
    if boxes.ndim != 3 or boxes.shape[2] != 5:
        form = " × ".join(map(str, boxes.shape[1:])) or "a single number"
        raise UserError(path, f"target '{name}' is {form} for each sample, expected boxes: n × 5", FIX_RECIPE)
    numbers, (x1, y1, x2, y2) = boxes[..., 4], np.moveaxis(boxes[..., :4], -1, 0)
    there = numbers != -1
    known = np.isin(numbers, np.arange(-1, len(classes)))
    if not known.all():
        row, position = np.argwhere(~known)[0]
        what = f"found the class number {numbers[row, position]:g}, expected -1 to {len(classes) - 1}"
        raise UserError(path, f"target '{name}', row {row}: {what}", "fix the recipe, or list every class in the task")
    sound = (x1 >= 0) & (y1 >= 0) & (x2 <= 1) & (y2 <= 1) & (x1 < x2) & (y1 < y2)
    if (there & ~sound).any():
        row, position = np.argwhere(there & ~sound)[0]
        found = ", ".join(f"{side:g}" for side in boxes[row, position, :4])
        what = f"found the box {found}, expected x1 < x2 and y1 < y2 within 0 and 1"
        raise UserError(path, f"target '{name}', row {row}: {what}", FIX_RECIPE)
    return {label: int((numbers == k).any(1).sum()) for k, label in enumerate(classes)}
