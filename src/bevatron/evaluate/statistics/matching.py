"""Which of the boxes that a detector found are right: greedy matching, as COCO's evaluation does it."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Matched:
    """The detections of one class on all images, highest score first, images in order where scores are equal.

    image (n,) int64: where each was made; score (n,); right (n_ious, n) bool: whether it is the first to find a true
    box, at each of the overlaps asked for; true (n_images,): true boxes of the class on each image.
    """

    image: np.ndarray
    score: np.ndarray
    right: np.ndarray
    true: np.ndarray


def overlaps(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (..., n, 4) with boxes (..., m, 4): (..., n, m); 0 of two empty boxes."""
    found, true = found[..., :, None, :], true[..., None, :, :]
    low, high = np.maximum(found[..., :2], true[..., :2]), np.minimum(found[..., 2:], true[..., 2:])
    common = np.maximum(high - low, 0).prod(-1)
    union = _area(found) + _area(true) - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def _area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def match_boxes(detections: np.ndarray, true: np.ndarray, label: int, ious: np.ndarray) -> Matched:
    """The detections of class `label`, matched to the true boxes of that class.

    detections (n_images, n_found, 6): x1, y1, x2, y2, score, class; true (n_images, n_true, 5): box and class; the
    class of rows without a box is -1. On each image the detections choose in the order of their scores: each the true
    box, of those that are free, that it overlaps most, if by the wanted overlap or more (Everingham et al. 2010 for
    PASCAL VOC, with COCO's rule that a true box taken already leaves the next best one free to be chosen). All images
    take their k-th detection at once.
    """
    order = np.argsort(-detections[..., 4], axis=1, kind="stable")
    detections = np.take_along_axis(detections, order[..., None], axis=1).astype(np.float64)
    mine, theirs = detections[..., 5] == label, true[..., 4] == label
    common = overlaps(detections[..., :4], true[..., :4].astype(np.float64))
    right = _first_finders(common, mine, theirs, np.minimum(ious, 1 - 1e-10))
    image, place = np.nonzero(mine)
    score = detections[image, place, 4]
    ranked = np.argsort(-score, kind="stable")
    image, place, score = image[ranked], place[ranked], score[ranked]
    return Matched(image, score, right[:, image, place], theirs.sum(1))


def _first_finders(common: np.ndarray, mine: np.ndarray, theirs: np.ndarray, ious: np.ndarray) -> np.ndarray:
    """(n_ious, n_images, n_found) bool from overlaps (n_images, n_found, n_true), rows in the scores' order."""
    n, n_found, n_true = common.shape
    right = np.zeros((len(ious), n, n_found), bool)
    if n_true == 0:
        return right
    free = np.broadcast_to(theirs, (len(ious), n, n_true)).copy()
    for k in range(n_found):
        offered = np.where(free & mine[:, k, None], common[:, k], -1.0)
        choice = n_true - 1 - offered[..., ::-1].argmax(axis=2)  # the last of equals, as COCO takes it
        best = np.take_along_axis(offered, choice[..., None], axis=2)[..., 0]
        right[:, :, k] = best >= ious[:, None]
        level, image = np.nonzero(right[:, :, k])
        free[level, image, choice[level, image]] = False
    return right
