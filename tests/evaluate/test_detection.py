"""Average precision against COCO's own code, a slow account written separately, and examples worked out by hand."""

import contextlib
import io

import numpy as np
import pytest

from bevatron.config.sections.task import Detection
from bevatron.evaluate.statistics.average_precision import COCO_IOUS, average_precision
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.matching import match_boxes, overlaps
from bevatron.evaluate.tasks.detection import detection_curves, detection_metrics

CLASSES = ["electron", "muon"]
TASK = Detection(kind="detection", target="boxes", classes=CLASSES)
NOTHING = [0.0, 0.0, 0.0, 0.0, 0.0, -1.0]
NO_BOX = [-1.0] * 5


def bootstrap(n, replicas=20):
    return Bootstrap(np.arange(n), replicas, "a" * 64)


def boxes(rng, *shape):
    """Boxes of at least a twentieth of the image a side."""
    corner, side = rng.uniform(0, 0.6, (*shape, 2)), rng.uniform(0.05, 0.4, (*shape, 2))
    return np.concatenate([corner, corner + side], -1)


@pytest.fixture(scope="module")
def drawn():
    """True boxes (60, 5, 5) of two classes, and of two seeds detections near them, of which some repeat or are wrong;
    many scores are equal."""
    rng, n, most = np.random.default_rng(8), 60, 12
    true = np.concatenate([boxes(rng, n, 5), rng.integers(0, 2, (n, 5, 1)).astype(float)], -1)
    true[np.arange(5) >= rng.integers(0, 6, n)[:, None]] = -1
    found = np.zeros((2, n, most, 6))
    found[..., :4] = boxes(rng, 2, n, most)
    near = true[:, rng.integers(0, 5, most)]
    found[..., :8, :4] = np.where(near[:, :8, 4:] >= 0, near[:, :8, :4], found[..., :8, :4])
    found[..., :4] += rng.normal(0, 0.01, found[..., :4].shape)
    found[..., 4] = rng.integers(1, 40, found.shape[:-1]) / 40
    found[..., 5] = np.where(rng.uniform(size=(n, most)) < 0.8, np.maximum(near[..., 4], 0), 1)
    found[:, :, 10:] = np.where(rng.uniform(size=(n, 2, 1)) < 0.5, NOTHING, found[:, :, 10:])
    return found.astype(np.float32).astype(np.float64), true.astype(np.float32).astype(np.float64)


def overlap_of_two(a, b):
    w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    common = w * h
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


def slow_precision(found, true, label, iou, images):
    """Average precision by loops: images, each as often as it is listed, one detection after the other."""
    entries, n_true = [], 0
    for image in images:
        theirs = [b for b in true[image] if b[4] == label]
        n_true += len(theirs)
        taken = set()
        for d in sorted((d for d in found[image] if d[5] == label), key=lambda d: -d[4]):
            free = [(overlap_of_two(d, b), k) for k, b in enumerate(theirs) if k not in taken]
            best, k = max(free, default=(0.0, -1))
            if best >= iou:
                taken.add(k)
            entries.append((d[4], image, best >= iou))
    entries.sort(key=lambda entry: (-entry[0], entry[1]))
    right, points = 0, []
    for k, entry in enumerate(entries, 1):
        right += entry[2]
        points.append((right / n_true, right / k))
    reached = [max((p for r, p in points if r >= wanted), default=0.0) for wanted in np.linspace(0, 1, 101)]
    return sum(reached) / 101, right / n_true


def test_overlaps_are_those_of_areas():
    assert overlaps(np.array([[0, 0, 2, 2.0]]), np.array([[1, 1, 3, 3.0], [0, 0, 2, 1], [5, 5, 6, 6]])).tolist() == [
        [1 / 7, 1 / 2, 0.0]
    ]


@pytest.mark.parametrize("label", [0, 1])
def test_precision_and_recall_are_those_of_a_slow_account(drawn, label):
    found, true = drawn
    ious = np.array([0.5, 0.75, 0.9])
    one = match_boxes(found[0], true, label, ious)
    precision, recall = average_precision(one, bootstrap(len(true)))
    for k, iou in enumerate(ious):
        expected = slow_precision(found[0], true, label, iou, range(len(true)))
        assert (precision[0, k], recall[0, k]) == pytest.approx(expected, abs=1e-12)


def test_a_replica_is_the_sample_with_its_images_repeated(drawn):
    found, true = drawn
    found = found.copy()
    found[..., 4] = np.random.default_rng(2).permutation(found[..., 4].size).reshape(found.shape[:-1])  # no two equal
    draws = bootstrap(len(true), 20)
    precision, recall = average_precision(match_boxes(found[0], true, 1, np.array([0.5])), draws)
    for replica in (1, 7, 20):
        images = np.repeat(np.arange(len(true)), draws.weights()[:, replica])
        expected = slow_precision(found[0], true, 1, 0.5, images.tolist())
        assert precision[replica, 0] == pytest.approx(expected[0], abs=1e-12)
        assert recall[replica, 0] == pytest.approx(expected[1], abs=1e-12)


def test_metrics_are_those_of_coco(drawn):
    pytest.importorskip("pycocotools", reason="COCO's own evaluation, of the extra dev")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    found, true = drawn
    metrics = detection_metrics(TASK, found, true, bootstrap(len(true)), 0.68)
    for seed in range(2):
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = {
                "images": [{"id": i} for i in range(len(true))],
                "categories": [{"id": k} for k in range(2)],
                "annotations": _entries(true),
            }
            for number, entry in enumerate(truth.dataset["annotations"], 1):
                entry |= {"id": number, "iscrowd": 0, "area": entry["bbox"][2] * entry["bbox"][3]}
            truth.createIndex()
            evaluation = COCOeval(truth, truth.loadRes(_entries(found[seed])), "bbox")
            evaluation.params.areaRng = [[0, 1e10]]  # fractions of an image are all small
            evaluation.params.areaRngLbl = ["all"]
            evaluation.evaluate()
            evaluation.accumulate()
        precision = evaluation.eval["precision"][..., 0, -1]  # (ious, recalls, classes)
        assert metrics["map"].per_seed[seed] == pytest.approx(precision.mean(), abs=1e-9)
        for k, percent in ((0, "50"), (5, "75")):
            assert metrics[f"map{percent}"].per_seed[seed] == pytest.approx(precision[k].mean(), abs=1e-9)
            recall = evaluation.eval["recall"][k, :, 0, -1].mean()
            assert metrics[f"recall{percent}"].per_seed[seed] == pytest.approx(recall, abs=1e-9)
            for label, name in enumerate(CLASSES):
                found_here = metrics[f"ap{percent}.{name}"].per_seed[seed]
                assert found_here == pytest.approx(precision[k, :, label].mean(), abs=1e-9)


def _entries(rows):
    entries = []
    for image, its in enumerate(rows):
        for row in its:
            if row[-1] < 0:
                continue
            x1, y1, x2, y2 = row[:4]
            entry = {"image_id": image, "category_id": int(row[-1]), "bbox": [x1, y1, x2 - x1, y2 - y1]}
            entries.append(entry | ({"score": row[4]} if len(row) == 6 else {}))
    return entries


def test_a_case_worked_out_by_hand():
    """One class, two true boxes; a right box, a second one for the same object, and a right one, in that order.

    Precision is 1 up to recall 1/2, then 2/3: of the 101 recalls 51 (0 to 0.50) lie in the first half.
    """
    task = Detection(kind="detection", target="boxes", classes=["muon"], ious=[0.5])
    true = np.array([[[0, 0, 0.2, 0.2, 0], [0.5, 0.5, 0.9, 0.9, 0]]])
    one, other = [0, 0, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9]
    found = np.array([[[*one, 0.9, 0], [*one, 0.8, 0], [*other, 0.7, 0], NOTHING]])
    metrics = detection_metrics(task, found[None], true, bootstrap(1), 0.68)
    expected = (51 + 50 * 2 / 3) / 101
    for name in ("map", "map50", "ap50.muon"):
        assert metrics[name].value == pytest.approx(expected)
    assert metrics["recall50"].value == 1.0
    assert "iou" not in metrics  # no image has one object alone


def test_localisation_takes_the_best_box_whatever_it_is_called():
    """Image 0: the best box has half the true one; image 1: nothing found; image 2 has two objects and is left out."""
    box = [0.2, 0.2, 0.6, 0.6]
    true = np.array([[[*box, 0], NO_BOX], [NO_BOX, [*box, 1]], [[*box, 0], [0.0, 0.0, 0.1, 0.1, 0]]])
    half = [0.2, 0.2, 0.6, 0.4]
    found = np.array([[[*box, 0.4, 0], [*half, 0.6, 1]], [NOTHING, NOTHING], [[*box, 0.9, 0], NOTHING]])
    metrics = detection_metrics(TASK, found[None], true, bootstrap(3), 0.68)
    assert metrics["iou"].value == pytest.approx(0.25)


def test_perfect_detections_have_precision_one_and_none_zero(drawn):
    _, true = drawn
    perfect = np.concatenate([true[..., :4], np.where(true[..., 4:] >= 0, 1.0, 0.0), true[..., 4:]], -1)
    empty = np.broadcast_to(NOTHING, perfect.shape)
    for found, value in ((perfect, 1.0), (empty, 0.0)):
        metrics = detection_metrics(TASK, found[None], true, bootstrap(len(true)), 0.68)
        assert all(metric.value == pytest.approx(value) for metric in metrics.values())


def test_a_class_without_true_boxes_has_no_precision_and_is_in_no_mean():
    true = np.array([[[0.2, 0.2, 0.6, 0.6, 0]]] * 3)
    found = np.array([[[0.2, 0.2, 0.6, 0.6, 0.9, 0], [0.1, 0.1, 0.2, 0.2, 0.8, 1]]] * 3)
    metrics = detection_metrics(TASK, found[None], true, bootstrap(3), 0.68)
    assert metrics["ap50.muon"].value is None
    assert metrics["map"].value == 1.0


def test_errors_cover_the_spread_of_other_test_splits():
    """The bootstrap's error of the mean precision is that of test splits drawn again."""
    rng = np.random.default_rng(3)

    def split(n=150):
        true = np.concatenate([boxes(rng, n, 2), rng.integers(0, 2, (n, 2, 1)).astype(float)], -1)
        found = np.concatenate([true[..., :4], rng.uniform(size=(n, 2, 1)), true[..., 4:]], -1)
        wrong = rng.uniform(size=(n, 2)) < 0.3
        found[wrong, :4] = boxes(rng, int(wrong.sum()))
        return detection_metrics(TASK, found[None], true, bootstrap(n, 100), 0.68)["map50"]

    made = [split() for _ in range(40)]
    spread = np.std([m.value for m in made], ddof=1)
    assert np.mean([m.error for m in made]) == pytest.approx(spread, rel=0.35)  # 40 splits know it to 11 %


def test_curves_hold_precision_at_recalls_and_a_few_images(drawn):
    found, true = drawn
    curves = detection_curves(TASK, found, true, np.arange(len(true), dtype=np.uint64))
    metrics = detection_metrics(TASK, found, true, bootstrap(len(true)), 0.68)
    for name in CLASSES:
        for seed, curve in enumerate(curves["precision"]["classes"][name]):
            assert len(curve) == len(COCO_IOUS) ** 2 + 1
            assert np.mean(curve) == pytest.approx(metrics[f"ap50.{name}"].per_seed[seed], abs=1e-4)
            assert (np.diff(curve) <= 0).all()
    assert len(curves["examples"]) == 6
    for example in curves["examples"]:
        row = int(example["id"])
        assert len(example["true"]) == (true[row, :, 4] >= 0).sum() > 0
        assert all(score >= 0.3 for *_, score, _ in example["found"])
