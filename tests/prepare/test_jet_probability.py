"""The jet probability: uniform for prompt jets, whatever the shape of the resolution."""

import numpy as np
import pytest
from scipy import stats

from bevatron.prepare.jets.jet_probability import calibrate_resolution, jet_probability, track_probability

SHAPES = {
    "Gaussian": lambda random, n: random.standard_normal(n),
    "with long tails": lambda random, n: random.standard_t(4, n),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_uniform_for_prompt_jets(shape):
    random = np.random.default_rng(1)
    resolution = calibrate_resolution(SHAPES[shape](random, 100_000))
    jets = 4_000
    jet = np.repeat(np.arange(jets), random.integers(1, 12, jets))
    found = jet_probability(track_probability(SHAPES[shape](random, len(jet)), resolution), jet, jets)
    # the calibration has errors of its own, of one in √(100,000 / 2) at the middle
    assert stats.kstest(found, "uniform").statistic < 1.95 / np.sqrt(jets) + 0.01


def test_formula():
    """Π Σ (-ln Π)^j / j! term by term."""
    from math import factorial, log

    for probabilities in ([0.3], [0.3, 0.01, 0.9], [0.5] * 8):
        product = np.prod(probabilities)
        expected = product * sum((-log(product)) ** j / factorial(j) for j in range(len(probabilities)))
        found = jet_probability(np.array(probabilities), np.zeros(len(probabilities), int), 2)
        np.testing.assert_allclose(found, [expected, 1.0])  # the second jet has no tracks


def test_decays_on_the_positive_side_do_not_change_the_calibration():
    random = np.random.default_rng(2)
    prompt = random.standard_normal(20_000)
    alone, together = (
        calibrate_resolution(prompt),
        calibrate_resolution(np.concatenate([prompt, random.exponential(10, 5_000)])),
    )
    size = np.linspace(0, 8, 30)
    np.testing.assert_array_equal(alone.survival(size), together.survival(size))


def test_survival_falls_smoothly_far_beyond_the_last_track():
    resolution = calibrate_resolution(np.random.default_rng(3).standard_normal(5_000))
    size = np.linspace(0, 60, 601)
    survival = resolution.survival(size)
    assert survival[0] == 1.0
    assert (np.diff(survival) < 0).all()
    np.testing.assert_allclose(survival[:21], 2 * stats.norm.sf(size[:21]), atol=0.03)


@pytest.mark.parametrize("tracks", [0, 10, 400])
def test_with_few_tracks_the_resolution_is_gaussian(tracks):
    resolution = calibrate_resolution(np.random.default_rng(4).standard_normal(tracks))
    for size in (0.0, 1.0, 3.0, 5.0):
        expected = 2 * stats.norm.sf(size)
        assert resolution.survival(np.array([size]))[0] == pytest.approx(expected, rel=0.02)


def test_displaced_tracks_are_improbable_and_far_ones_still_a_number():
    resolution = calibrate_resolution(np.random.default_rng(5).standard_normal(20_000))
    found = track_probability(np.array([-1e4, -2.0, 0.0, 2.0, 10.0, 1e4]), resolution)
    assert (np.diff(found) <= 0).all()
    assert found[3] == pytest.approx(stats.norm.sf(2.0), rel=0.1)
    assert 0 < found[-1] < 1e-20
    assert np.isfinite(jet_probability(found, np.zeros(6, int), 1)).all()
