"""Example images: the right rows, and sums over squares that lose nothing."""

import numpy as np

from bevatron.config.sections.task import Classification, Detection
from bevatron.evaluate.inspection.examples import PIXELS, _pixels, _rebin, example_rows


def test_rows_are_the_first_of_each_class_or_the_first_with_boxes():
    task = Classification(kind="classification", target="c", classes=["a", "b", "c"], signal="a")
    assert example_rows(task, np.array([1, 1, 0, 2, 0])) == [2, 0, 3]
    task = Detection(kind="detection", target="boxes", classes=["a"])
    boxes = np.full((10, 2, 5), -1.0)
    boxes[1::2, 0] = [0, 0, 1, 1, 0]
    assert example_rows(task, boxes) == [1, 3, 5, 7, 9]


def test_sums_hold_all_of_an_image_and_keep_its_place():
    image = np.zeros((5, 7))
    image[4, 6], image[0, 3] = 2.0, 5.0
    small = _rebin(image, 2)
    assert small.shape == (3, 4)
    assert small.sum() == 7.0
    assert small[2, 3] == 2.0
    assert small[0, 1] == 5.0


def test_the_brightest_pixels_are_kept_in_order():
    plane = np.random.default_rng(1).uniform(1, 2, (80, 80))
    stored = _pixels(plane)
    places = np.cumsum(stored.step)
    assert len(places) == PIXELS
    assert (np.diff(places) > 0).all()
    kept = plane.ravel()[places]
    assert kept.min() >= np.sort(plane.ravel())[-PIXELS]
    assert np.allclose(stored.value, kept, rtol=5e-3)
