"""Generated images against real ones: references that are known in closed form."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from bevatron.evaluate.inspection.generated import frechet_distance, nearest
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.two_samples import diversities, fractions_of_classes
from bevatron.evaluate.tasks.reconstruction import reconstruction_metrics

RANDOM = np.random.default_rng(4)


def test_frechet_distance_is_that_of_its_formula():
    a, b = RANDOM.standard_normal((500, 6)), RANDOM.standard_normal((400, 6)) @ RANDOM.standard_normal((6, 6)) + 0.5
    s, t = np.cov(a.T), np.cov(b.T)
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(s + t - 2 * np.real(sqrtm(s @ t)))
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-8)
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-8)


def test_frechet_distance_of_normal_numbers_is_known():
    """N(0, 1) and N(2, 3²) in one dimension: 2² + (1 - 3)² = 8."""
    a, b = RANDOM.standard_normal((200_000, 1)), 2 + 3 * RANDOM.standard_normal((200_000, 1))
    assert frechet_distance(a, b) == pytest.approx(8.0, rel=0.02)


def test_copies_are_found_and_new_images_are_not():
    train, test = RANDOM.random((300, 16)), RANDOM.random((300, 16))
    copies, rows = nearest(train[:50], train)
    assert copies.max() < 1e-6
    assert rows.tolist() == list(range(50))
    fresh = RANDOM.random((300, 16))
    assert np.median(nearest(fresh, train)[0]) / np.median(nearest(test, train)[0]) == pytest.approx(1.0, abs=0.05)


def test_a_collapsed_generator_has_no_variety():
    once = np.ones((100, 1))
    assert diversities(np.ones((100, 9)), once) == 0.0
    assert fractions_of_classes(np.zeros(100, int), 10, once, 0.2) == 0.1
    assert fractions_of_classes(np.arange(100) % 10, 10, once, 0.2) == 1.0


def test_reconstructions_are_measured_in_closed_form():
    """Outputs that keep half of the noise: a quarter of its square is left, and half of it is copied."""
    clean, noise = RANDOM.random((400, 25)), RANDOM.standard_normal((400, 25))
    bootstrap = Bootstrap(np.arange(400), 50, "a" * 64)
    outputs = (clean + 0.5 * noise)[None].astype(np.float32)
    metrics = reconstruction_metrics(outputs, clean, clean + noise, bootstrap, 0.68)
    assert metrics["mse_over_noise"].value == pytest.approx(0.25, rel=1e-5)
    assert metrics["noise_copied"].value == pytest.approx(0.5, rel=1e-5)
    mse = 0.25 * (noise**2).mean()
    assert metrics["mse"].value == pytest.approx(mse, rel=1e-5)
    assert metrics["psnr"].value == pytest.approx(10 * np.log10(clean.max() ** 2 / mse), rel=1e-5)
    assert metrics["mse"].error == pytest.approx(0.25 * (noise**2).mean(1).std() / 20, rel=0.4)
