"""Difference images against a fit of everything unknown, and against GalSim's own point-spread functions."""

import numpy as np
import pytest

from bevatron.prepare.recipes.transients import TransientImages
from bevatron.prepare.subtraction import moffat_psf, optimal_significance, plain_significance
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.transients import Transients
from bevatron.simulate.transients import Field, draw_exposures

NOISE = np.array([[0.9, 1.1, 1.0]])
SHIFT = np.array([[0.3, -0.2], [-0.4, 0.1], [0.2, 0.4]])


def psfs_of(size, n=1):
    psf = moffat_psf(np.array([2.5, 3.4, 3.0]), SHIFT, size)
    return np.broadcast_to(psf, (n, 3, size, size))


def seen(sky, psfs):
    """A sky (n, size, size) through the PSFs (n, exposures, size, size), at the edges as if it went round."""
    return np.fft.ifft2(np.fft.fft2(sky)[:, None] * psfs).real


def test_psfs_are_galsim_s():
    """A star between the pixels, drawn by GalSim: the largest difference is 0.5 % of its peak."""
    size = 31
    star = Field(1.0, 1.0, 0.0, 1e-9, np.array([[0.0, 0.0, 100.0]]), None)
    drawn = draw_exposures(star, np.array([2.5, 3.4]), SHIFT[:2], size)
    ours = moffat_psf(np.array([2.5, 3.4]), SHIFT[:2] + (size - 1) / 2, size)
    ours = 100.0 * np.fft.ifft2(ours).real
    for a, b in zip(drawn, ours, strict=True):
        assert np.abs(a - b).max() < 0.005 * a.max()
    assert moffat_psf(np.array([3.0]), np.zeros((1, 2)), size)[0, 0, 0] == pytest.approx(1.0, abs=1e-6)


def test_the_optimal_significance_is_that_of_a_fit_of_field_and_point():
    """Least squares with a free value for each pixel of the field, and a point's flux: it over its error."""
    size, random = 7, np.random.default_rng(1)  # an odd one, in which no wave is shifted against itself
    psfs = psfs_of(size)
    sky = 30 * random.random((1, size, size))
    sky_seen = seen(sky, psfs)
    images = sky_seen + NOISE[:, :, None, None] * random.standard_normal(sky_seen.shape)
    found = optimal_significance(images, psfs, NOISE)[0]
    units = np.eye(size * size).reshape(-1, size, size)
    columns = seen(units, np.broadcast_to(psfs, (size * size, 3, size, size)))  # each pixel of the sky by itself
    weights = 1 / np.broadcast_to(NOISE[0][:, None, None], (3, size, size)).ravel()
    data = images[0].ravel() * weights
    for pixel in (0, 8, 48):
        point = np.zeros((3, size, size))
        point[2] = columns[pixel, 2]
        design = np.vstack([columns.reshape(size * size, -1), point.ravel()]).T * weights[:, None]
        covariance = np.linalg.inv(design.T @ design)
        flux = (covariance @ design.T @ data)[-1]
        assert found.ravel()[pixel] == pytest.approx(flux / np.sqrt(covariance[-1, -1]), rel=1e-6)


def test_without_a_point_the_significance_is_standard_normal():
    size, n, random = 20, 200, np.random.default_rng(2)
    psfs, noise = psfs_of(size, n), np.broadcast_to(NOISE, (n, 3))
    images = seen(50 * random.random((n, size, size)), psfs)
    images = images + noise[:, :, None, None] * random.standard_normal(images.shape)
    values = optimal_significance(images, psfs, noise)
    assert values.mean() == pytest.approx(0.0, abs=0.02)
    assert values.std() == pytest.approx(1.0, abs=0.01)


def test_the_plain_difference_is_standard_normal_on_an_empty_sky_and_not_on_a_galaxy():
    size, n, random = 20, 200, np.random.default_rng(3)
    psfs, noise = psfs_of(size, n), np.broadcast_to(NOISE, (n, 3))
    images = noise[:, :, None, None] * random.standard_normal((n, 3, size, size))
    assert plain_significance(images, psfs, noise).std() == pytest.approx(1.0, abs=0.02)
    galaxy = np.zeros((n, size, size))
    galaxy[:, 9:11, 9:11] = 100.0
    assert plain_significance(images + seen(galaxy, psfs), psfs, noise).max() > 10


def test_a_supernova_is_found_where_it_is():
    size = 20
    options = Transients.Options(kind="transients", events=40, point_flux=(300.0, 400.0))
    raw = Transients().simulate(options, 0, ShardSeed.of("3", 0))[0]
    images, seeing, noise, shift = (raw.inputs[k].column.values for k in ("images", "seeing", "noise", "shift"))
    psfs = moffat_psf(seeing.astype(float).ravel(), shift.reshape(-1, 2).astype(float), size)
    maps = optimal_significance(images, psfs.reshape(40, 3, size, size), noise)
    row, column = np.unravel_index(maps.reshape(40, -1).argmax(axis=1), (size, size))
    x, y, _ = raw.targets["transient"].T
    has = raw.targets["class"] == 1
    assert np.abs(column - 9.5 - x)[has].max() < 1.1
    assert np.abs(row - 9.5 - y)[has].max() < 1.1
    prepared = TransientImages().prepare(TransientImages.Options(kind="transients"), raw, 0, np.ones(40, bool))
    peaks = prepared.inputs["difference"].column.values[:, 1]
    np.testing.assert_allclose(peaks[has], maps[has].max(axis=(1, 2)), rtol=1e-5)
    assert peaks[has].min() > 10 > 6 > peaks[~has].max()


def test_stack_pair_and_last_are_the_same_exposures():
    raw = Transients().simulate(Transients.Options(kind="transients", events=4), 0, ShardSeed.of("1", 0))[0]
    prepared = TransientImages().prepare(TransientImages.Options(kind="transients"), raw, 0, np.ones(4, bool))
    stack, pair, last = (prepared.inputs[name] for name in ("stack", "pair", "last"))
    assert stack.features == ("exposure_1", "exposure_2", "exposure_3")
    assert (pair.features, last.features) == (stack.features[1:], stack.features[2:])
    assert np.array_equal(pair.column.values, stack.column.values[:, 1:])
    assert np.array_equal(last.column.values, stack.column.values[:, 2:])
