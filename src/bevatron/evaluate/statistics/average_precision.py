"""Average precision and recall of detections, with bootstrap replicas over the images."""

import numpy as np

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.matching import Matched

RECALLS = np.linspace(0.0, 1.0, 101)
COCO_IOUS = np.linspace(0.50, 0.95, 10)


def average_precision(matched: Matched, bootstrap: Bootstrap) -> tuple[np.ndarray, np.ndarray]:
    """Average precision and highest recall at each overlap, on the test split and its replicas: two arrays
    (replicas + 1, n_ious); NaN where a replica has no true box.

    Precision is the fraction of right detections above a score, recall the fraction of true boxes that they find. The
    average is that of COCO (Lin et al. 2014, arXiv:1405.0312): over 101 recalls from 0 to 1, each with the highest
    precision at that recall or a higher one; 0 where it is not reached.

    A replica that draws an image twice has each of its detections and true boxes twice. Nothing is matched or sorted
    again: detections weigh as often as their image was drawn. Highest precisions lie at right detections alone, so that
    the others only need to be counted.
    """

    def measure(weights: np.ndarray) -> np.ndarray:
        return np.stack([_of_replica(matched, row) for row in weights])

    replicas = bootstrap.over(measure)
    return replicas[:, 0], replicas[:, 1]


def _of_replica(matched: Matched, weights: np.ndarray) -> np.ndarray:
    """Average precision and highest recall, (2, n_ious), where image i was drawn weights[i] times."""
    n_true = float(weights @ matched.true)
    counts = weights[matched.image]  # of each detection
    counted = np.cumsum(counts)
    precision_and_recall = np.full((2, len(matched.right)), np.nan)
    for level, right in enumerate(matched.right if n_true else ()):
        hits = np.cumsum(counts[right])
        precision_and_recall[0, level] = precision_at_recalls(hits, counted[right], n_true).mean()
        precision_and_recall[1, level] = hits[-1] / n_true if len(hits) else 0.0
    return precision_and_recall


def precision_at_recalls(hits: np.ndarray, counted: np.ndarray, n_true: float) -> np.ndarray:
    """The highest precision at each of the 101 recalls or a higher one: (101,); NaN without true boxes.

    hits and counted (n,): after each right detection, the number of right ones and of all so far.
    """
    if n_true == 0:
        return np.full(len(RECALLS), np.nan)
    there = counted > 0  # a replica may leave out the images of the first ones
    recall, precision = hits[there] / n_true, hits[there] / counted[there]
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    rising = np.maximum.accumulate(recall) if len(recall) else recall  # images with negative weights may lower it
    block = np.searchsorted(rising, RECALLS, side="left")
    return np.append(highest, 0.0)[block]
