"""A study of detection: what it may ask for, and what is refused."""

import copy

import pytest
from pydantic import ValidationError
from rectangles import STUDY

from bevatron.config.sections.study import Study


def changed(**values):
    tree = copy.deepcopy(STUDY)
    for key, value in values.items():
        place, *path = key.split("__")
        node = tree[place]
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = value
    return tree


def test_a_detection_is_valid():
    assert Study.model_validate(STUDY).task.ious == [0.5, 0.75]


@pytest.mark.parametrize(
    ("values", "match"),
    [
        ({"models__net__architecture": {"kind": "mlp", "widths": []}}, "'mlp' is for the task classification or reg"),
        ({"models__net__target": "other"}, "a detection has one target, 'boxes'"),
        ({"task__ious": [0.0]}, r"an overlap lies in \(0, 1\], found 0"),
        ({"task__ious": []}, "ious"),
        ({"models__net__training": {"balance": "weights"}}, "needs a task with classes, one for each sample"),
        (
            {"models__net__training": {"class_ratio": {"filled": 1}}},
            "none, as the task has no classes, one for each sample",
        ),
        ({"models__net__class_subset": ["filled", "hollow"]}, "only a classification has classes to ask for"),
        ({"models__net__architecture": {"kind": "faster_rcnn", "anchor_sizes": [0]}}, "anchor_sizes"),
    ],
)
def test_what_makes_no_sense_is_refused(values, match):
    with pytest.raises(ValidationError, match=match):
        Study.model_validate(changed(**values))


def test_a_detector_is_for_no_other_task():
    task = {"kind": "classification", "target": "kind", "classes": ["a", "b"], "signal": "a"}
    with pytest.raises(ValidationError, match="'faster_rcnn' is for the task detection alone"):
        Study.model_validate(copy.deepcopy(STUDY) | {"task": task})
