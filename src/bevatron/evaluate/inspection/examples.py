"""A few images of the test split, small enough for a file that people read."""

import numpy as np

from bevatron.config.sections.data_part import DataPart
from bevatron.config.sections.task import Classification, Detection, Task
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.store.records.data import ImageRecord, ImagesRecord, PixelsRecord
from bevatron.store.shards.contract import GroupInfo

EXAMPLES = 6  # images of a detection
CLASSES = 10  # classes of which an image is shown
GROUPS = 4  # input groups of which images are shown
PLANES = 3  # channels of an image
SIDE = 192  # pixels a side at most; larger images are summed
PIXELS = 4_000  # of a channel, those with the largest content


def example_rows(task: Task, target: np.ndarray) -> list[int]:
    """Rows of the test split that are shown: of each class the first, or of a detection the first that have boxes."""
    if isinstance(task, Detection):
        return [int(row) for row in np.flatnonzero((target[..., 4] >= 0).any(1))[:EXAMPLES]]
    if isinstance(task, Classification):
        rows = [np.flatnonzero(target == k)[:1] for k in range(len(task.classes))]
        return [int(row) for row in np.concatenate(rows)[:CLASSES]]
    return []


def select_examples(study: DataPart, columns: TestColumns) -> dict[str, ImagesRecord]:
    """Images by the input group that holds them, with their classes.

    Values are kept to three digits. An image of more than 192 pixels a side is summed to that; of a channel 4,000
    pixels are kept.
    """
    task = study.task
    if not isinstance(task, Classification | Detection):
        return {}
    known = columns.manifest.groups.items()
    groups = [name for name, info in known if info.layout != "ragged" and len(info.shape) == 3][:GROUPS]
    if not groups:
        return {}
    target = columns.target(task.target)
    rows = example_rows(task, target)
    ids = columns.ids()[rows]
    labels = [task.classes[int(target[row])] if isinstance(task, Classification) else None for row in rows]
    records = {}
    for name in groups:
        info = columns.manifest.groups[name]
        images = columns.images(name, rows)
        by = _rebin_factor(info)
        height, width = (-(-side // by) for side in info.shape[1:])
        records[name] = ImagesRecord(
            shape=(height, width),
            rebin=by,
            features=info.features[:PLANES],
            units=info.units[:PLANES],
            images=tuple(
                ImageRecord(
                    id=str(sample), label=label, channels=tuple(_pixels(_rebin(plane, by)) for plane in image[:PLANES])
                )
                for sample, label, image in zip(ids, labels, images, strict=True)
            ),
        )
    return records


def _rebin_factor(info: GroupInfo) -> int:
    return -(-max(info.shape[1:]) // SIDE)


def _rebin(plane: np.ndarray, by: int) -> np.ndarray:
    """Sums over squares of `by` pixels a side, the last ones filled up with zeros."""
    height, width = (-(-side // by) * by for side in plane.shape)
    whole = np.zeros((height, width))
    whole[: plane.shape[0], : plane.shape[1]] = plane
    return whole.reshape(height // by, by, width // by, by).sum((1, 3))


def _pixels(plane: np.ndarray) -> PixelsRecord:
    flat = plane.ravel()
    index = np.flatnonzero(flat)
    if len(index) > PIXELS:
        index = np.sort(index[np.argsort(-np.abs(flat[index]), kind="stable")[:PIXELS]])
    return PixelsRecord(
        step=tuple(np.diff(index, prepend=0).tolist()), value=tuple(float(f"{v:.3g}") for v in flat[index])
    )
