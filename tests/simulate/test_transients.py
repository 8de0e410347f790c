"""Exposures of one field: its light, its shifts, and a supernova in the last one alone."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.config.loading.load import load_study
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.transients import Transients
from bevatron.simulate.transients import Field, draw_exposures

STUDIES = Path(__file__).parents[2] / "config" / "studies"
FIELD = Field(2.0, 0.6, 0.7, 300.0, np.array([[2.0, -1.0, 40.0], [-3.0, 2.0, 60.0]]), np.array([1.0, 3.0, 50.0]))
SEEING, SHIFTS = np.array([2.5, 3.5, 3.0]), np.array([[0.0, 0.0], [0.4, -0.3], [-0.2, 0.5]])


def simulated(seed="1", **options):
    return Transients().simulate(Transients.Options(kind="transients", **options), 0, ShardSeed.of(seed, 0))[0]


def centroid(image):
    where = np.arange(len(image)) - (len(image) - 1) / 2
    return np.array([(image.sum(0) * where).sum(), (image.sum(1) * where).sum()]) / image.sum()


def test_light_is_conserved_whatever_the_seeing():
    sums = draw_exposures(FIELD, SEEING, SHIFTS, 96).astype(float).sum((1, 2))
    np.testing.assert_allclose(sums, [400.0, 400.0, 450.0], rtol=0.01)


def test_the_supernova_is_in_the_last_exposure_alone():
    with_it = draw_exposures(FIELD, SEEING, SHIFTS, 20)
    without = draw_exposures(replace(FIELD, transient=None), SEEING, SHIFTS, 20)
    assert np.array_equal(with_it[:2], without[:2])
    difference = (with_it[2] - without[2]).astype(float)
    row, column = np.unravel_index(difference.argmax(), difference.shape)
    # x = 1 - 0.2 and y = 3 + 0.5 from the middle, which is between pixels 9 and 10.
    assert (column, row) == (10, 13)


def test_pointing_shifts_everything():
    field = replace(FIELD, stars=np.array([[0.0, 0.0, 80.0]]), transient=None)
    for image, shift in zip(draw_exposures(field, SEEING, SHIFTS, 95), SHIFTS, strict=True):
        np.testing.assert_allclose(centroid(image.astype(float)), shift, atol=0.02)


def test_less_seeing_is_sharper():
    sharp, blurred, _ = draw_exposures(FIELD, SEEING, np.zeros((3, 2)), 20)
    assert sharp.max() > 1.2 * blurred.max()


def test_noise_is_that_of_its_exposure():
    samples = simulated(events=40, point_flux=(1e-6, 2e-6), flux=(1e-6, 2e-6))
    images, noise = (samples.inputs[name].column.values for name in ("images", "noise"))
    np.testing.assert_allclose((images / noise[:, :, None, None]).std(axis=(0, 2, 3)), 1.0, atol=0.03)


def test_supernovae_are_drawn_like_stars_and_only_where_the_class_says():
    samples = simulated(events=400)
    label, drawn = samples.targets["class"], samples.targets["transient"]
    assert not drawn[label == 0].any()
    x, y, flux = drawn[label == 1].T
    radius = np.hypot(x, y)
    assert radius.max() <= 5.0
    assert np.median(radius) == pytest.approx(5.0 / np.sqrt(2), abs=0.4)  # uniform over a disc
    assert (flux.min() > 20, flux.max() < 80) == (True, True)


def test_more_cannot_be_told_from_one_exposure_than_the_claim_says():
    """All pairs of a field with and without a supernova, by their numbers of points, if every point is counted."""
    study = load_study("transients", "paper", STUDIES)
    numbers = range(study.simulation.source.stars + 1)
    ranks = [1.0 if a + 1 > b else 0.5 if a + 1 == b else 0.0 for a, b in product(numbers, numbers)]
    claim = next(claim for claim in study.claims if claim.id == "stack_beats_any_single_exposure")
    assert claim.test.threshold == pytest.approx(np.mean(ranks), abs=5e-4)


def test_a_shard_follows_from_its_seed():
    first, again, other = (simulated(seed, events=4).inputs["images"].column.values for seed in "112")
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeing": (3.0, 2.0)}, "seeing: must rise"),
        ({"axis_ratio": (0.5, 1.5)}, "axis_ratio: at most 1"),
        ({"point_radius": 12.0}, "do not fit"),
        ({"seeing": (0.3, 2.0)}, "seeing: from 1 pixel"),
        ({"radius": (1.5, 6.0)}, "radius: half of the light"),
    ],
)
def test_fields_that_cannot_be_drawn_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        Transients.Options(kind="transients", **options)
