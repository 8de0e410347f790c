"""Metrics and curves of a detector on the test split."""

from typing import Any

import numpy as np

from bevatron.config.sections.model import Model
from bevatron.config.sections.task import Detection
from bevatron.evaluate.evaluation import EvaluationContext, Predictions, evaluation
from bevatron.evaluate.inspection.examples import example_rows
from bevatron.evaluate.statistics.average_precision import COCO_IOUS, average_precision, precision_at_recalls
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.matching import match_boxes, overlaps
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.store.shards.contract import TargetInfo

SHOWN_SCORE = 0.3  # detections of the example images that are kept


@evaluation("detection")
class DetectionEvaluation:
    """How many of the objects are found, how exactly, and how much is found that is not there."""

    def targets(self, task: Detection, model: Model) -> list[str]:
        """As the interface says: the target of the boxes."""
        return [task.target]

    def outputs(self, task: Detection, target: TargetInfo) -> tuple[int | None, ...]:
        """As the interface says: up to so many boxes of six numbers."""
        return (None, 6)

    def metrics(
        self, task: Detection, predictions: Predictions, bootstrap: Bootstrap, context: EvaluationContext
    ) -> tuple[dict[str, Measurement], dict[str, Any]]:
        """Those of `detection_metrics` and `detection_curves`."""
        true = predictions.targets[task.target].astype(np.float64)
        detections = predictions.outputs.astype(np.float64)
        metrics = detection_metrics(task, detections, true, bootstrap, context.confidence)
        return metrics, detection_curves(task, detections, true, predictions.id, bootstrap.sample_weights)


def detection_metrics(
    task: Detection, detections: np.ndarray, true: np.ndarray, bootstrap: Bootstrap, confidence: float
) -> dict[str, Measurement]:
    """Every metric by its name; detections (n_seeds, n, n_max, 6), true (n, n_true, 5).

    map             average precision, mean over the classes and the overlaps 0.50, 0.55, ..., 0.95
    map<percent>    the same at one overlap, for each of the task's; ap<percent>.<class> of one class
    recall<percent> fraction of the true boxes that are found at that overlap, whatever the score, mean over the classes
    iou             overlap of the best detection with the one object, mean over the images that have one alone; 0 where
                    nothing is found
    """
    ious = np.unique(np.concatenate([np.round(COCO_IOUS, 4), task.ious]))
    coco = np.isin(ious, np.round(COCO_IOUS, 4))
    precision, recall = np.empty((2, len(detections), len(task.classes), bootstrap.replicas + 1, len(ious)))
    for seed, boxes in enumerate(detections):
        for k in range(len(task.classes)):
            precision[seed, k], recall[seed, k] = average_precision(match_boxes(boxes, true, k, ious), bootstrap)
    series: dict[str, np.ndarray] = {"map": _mean_over_classes(precision)[..., coco].mean(-1)}
    for iou in task.ious:
        place, percent = int(np.flatnonzero(ious == iou)[0]), f"{100 * iou:g}"
        series[f"map{percent}"] = _mean_over_classes(precision)[..., place]
        series[f"recall{percent}"] = _mean_over_classes(recall)[..., place]
        for k, name in enumerate(task.classes):
            series[f"ap{percent}.{name}"] = precision[:, k, :, place]
    metrics = {name: measure(list(values), confidence) for name, values in series.items()}
    alone = np.flatnonzero((true[..., 4] >= 0).sum(1) == 1)
    if len(alone):
        localised = [bootstrap.mean(localisation(boxes, true), alone) for boxes in detections]
        metrics["iou"] = measure(localised, confidence)
    return metrics


def _mean_over_classes(values: np.ndarray) -> np.ndarray:
    """(n_seeds, n_classes, ...) to (n_seeds, ...), without the classes that a replica has no true box of."""
    there = np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return np.where(there, values, 0.0).sum(1) / there.sum(1)


def localisation(detections: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Overlap of the detection of the highest score, of whatever class, with the first true box: (n,)."""
    best = np.take_along_axis(detections, detections[..., 4].argmax(1)[:, None, None], axis=1)
    first = np.take_along_axis(true, (true[..., 4] >= 0).argmax(1)[:, None, None], axis=1)
    common = overlaps(best[..., :4], first[..., :4])[:, 0, 0]
    return np.where((best[:, 0, 5] >= 0) & (first[:, 0, 4] >= 0), common, 0.0)


def detection_curves(
    task: Detection, detections: np.ndarray, true: np.ndarray, ids: np.ndarray, weights: np.ndarray | None = None
) -> dict[str, Any]:
    """What the plots need.

    precision  {"iou", "classes": {class: highest precision at each of 101 recalls or more (n_seeds, 101)}, "boxes":
               {class: true boxes}}, at the first of the task's overlaps
               of images with `weights` (n,) each box counts by its image's weight
    examples   of a few images: "id", "true" boxes with their class numbers, and what the first seed "found" with a
               score of 0.3 or more: box, score, class number
    """
    first = np.array(task.ious[:1])
    curves: dict[str, list[list[float]]] = {}
    for k, name in enumerate(task.classes):
        curves[name] = []
        for boxes in detections:
            one = match_boxes(boxes, true, k, first)
            places = np.flatnonzero(one.right[0])
            if weights is None:
                hits, counted, n_true = np.arange(1.0, len(places) + 1), places + 1.0, one.true.sum()
            else:
                of_found = weights[one.image]
                hits, counted = np.cumsum(of_found[places]), np.cumsum(of_found)[places]
                n_true = float(weights @ one.true)
            curve = precision_at_recalls(hits, counted, n_true)
            curves[name].append([float(f"{v:.5g}") for v in np.nan_to_num(curve)])
    examples = []
    for row in example_rows(task, true):
        shown = detections[0, row][(detections[0, row, :, 5] >= 0) & (detections[0, row, :, 4] >= SHOWN_SCORE)]
        there = true[row][true[row, :, 4] >= 0]
        examples.append({"id": str(ids[row]), "true": _numbers(there), "found": _numbers(shown)})
    counts = {name: int((true[..., 4] == k).sum()) for k, name in enumerate(task.classes)}
    return {"precision": {"iou": float(first[0]), "classes": curves, "boxes": counts}, "examples": examples}


def _numbers(rows: np.ndarray) -> list[list[float]]:
    return [[float(f"{v:.5g}") for v in row] for row in rows]
