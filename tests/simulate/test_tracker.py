"""Tracks in layers of pixels: circles in the field, kinks in the layers, and the same hits of one track and of many."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import chi2_contingency, multivariate_normal

from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.tracker import TrackerHits
from bevatron.simulate.tracker.geometry import Tracker
from bevatron.simulate.tracker.hits import Hits, draw_hits
from bevatron.simulate.tracker.likelihood import covariances, log_likelihood_ratios
from bevatron.simulate.tracker.tracks import cross_layers, draw_tracks

TRACKER = Tracker(4, 12, 20.0, 0.1, 2.0, 0.02, 0.1, 0.12, 0.004, 2.0)


def drawn(n, tracker=TRACKER, efficiency=0.97, noise=0.5, seed=1):
    is_track = np.arange(n) % 2 == 1
    return is_track, draw_hits(np.random.default_rng(seed), tracker, is_track, efficiency, noise)


def test_tracks_bend_on_circles_of_radius_pt_over_03b():
    """The circle through three crossings, against pt = 0.2998 B R; out of the plane the track rises with its length."""
    depths, pt = np.array([-30.0, 0.0, 30.0]), 0.5
    curvature = np.array([TRACKER.bending / pt, -TRACKER.bending / pt])
    found = cross_layers(depths, np.zeros((2, 2)), np.array([[0.1, 0.02]] * 2), curvature)
    for points, sign in zip(found, (1, -1), strict=True):
        a, b, c = np.stack([depths, points[:, 0]], axis=1)
        area = sign * ((b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0]) / 2
        sides = [np.linalg.norm(p - q) for p, q in ((a, b), (b, c), (c, a))]
        radius = np.prod(sides) / (4 * area)
        assert radius == pytest.approx(pt / (0.299792458 * 2.0) * 1000, rel=1e-9)
        arc = 2 * radius * np.arcsin(sides[0] / 2 / radius)
        assert points[1, 1] - points[0, 1] == pytest.approx(0.02 * arc, rel=1e-9)


def test_a_straight_line_is_the_limit_of_circles():
    depths, slopes = np.linspace(-50, 50, 5), np.array([[0.1, 0.05]])
    straight = cross_layers(depths, np.zeros((1, 2)), slopes, np.zeros(1))
    np.testing.assert_allclose(straight[0, :, 0], np.tan(0.1) * depths)
    np.testing.assert_allclose(straight[0, :, 1], 0.05 * depths / np.cos(0.1))
    for curvature in (1e-13, -1e-9):
        nearly = cross_layers(depths, np.zeros((1, 2)), slopes, np.full(1, curvature))
        np.testing.assert_allclose(nearly, straight, atol=1e-5)


def test_crossings_have_the_covariance_of_the_likelihood():
    tracker = replace(TRACKER, thickness=0.5, pitch=1e-6)  # much scattering, so that it counts
    random = np.random.default_rng(4)
    centres = tracker.centre * random.standard_normal((60_000, 2))
    tracks = draw_tracks(random, tracker, centres)
    one, many = covariances(tracker)
    error = 6 * np.abs(one).max() / np.sqrt(60_000)
    for axis in range(2):
        np.testing.assert_allclose(np.cov(tracks[:, :, axis].T), one[axis], atol=error)
    others = draw_tracks(random, tracker, centres)
    between = np.cov(tracks[:, 0, 0], others[:, 3, 0])[0, 1]
    assert between == pytest.approx(many[0][0, 3], abs=error)


def test_layer_by_layer_nothing_tells_one_track_from_many():
    is_track, hits = drawn(20_000)
    for layer in range(4):
        mine = hits.layer == layer
        for coordinate in (hits.row[mine], hits.column[mine]):
            table = [np.bincount(coordinate[is_track[hits.event[mine]] == one], minlength=12) for one in (False, True)]
            assert chi2_contingency(table).pvalue > 0.001


def test_as_many_hits_as_efficiency_and_noise_make():
    _, hits = drawn(20_000, replace(TRACKER, size=64))  # no track leaves so large a window
    counts = np.bincount(hits.event * 4 + hits.layer, minlength=80_000)
    variance = 0.97 * 0.03 + 0.5
    assert counts.mean() == pytest.approx(0.97 + 0.5, abs=4 * np.sqrt(variance / 80_000))
    assert counts.var() == pytest.approx(variance, rel=0.05)


def test_hits_of_a_track_line_up_to_the_pixels_resolution():
    """Residuals of straight lines through four points: √(2/4) pitch/√12 where nothing bends or scatters."""
    tracker = replace(TRACKER, size=64, field=0.0, thickness=0.0)
    is_track, hits = drawn(4_000, tracker, efficiency=1.0, noise=0.0)
    y = (hits.column.reshape(-1, 4) + 0.5 - 32) * 0.1
    line = np.stack([np.ones(4), tracker.depths], axis=1)
    residuals = y - y @ line @ np.linalg.inv(line.T @ line) @ line.T
    assert residuals[is_track].std() == pytest.approx(np.sqrt(0.5) * 0.1 / np.sqrt(12), rel=0.05)
    assert residuals[~is_track].std() > 3 * residuals[is_track].std()


def test_the_likelihood_ratio_is_that_of_all_assignments_of_hits():
    """Against a sum over all choices with SciPy's normal densities, of random hits and of empty events."""
    is_track, hits = drawn(30, noise=1.0)
    found = log_likelihood_ratios(TRACKER, hits, 31, 0.97, 1.0)  # the last has no hit
    density = 1.0 / 1.2**2
    for event in (*range(10), 30):
        layers = []
        for layer in range(4):
            mine = (hits.event == event) & (hits.layer == layer)
            pixels = np.stack([hits.row[mine], hits.column[mine]], axis=1)
            layers.append([None, *((pixels + 0.5 - 6) * 0.1)])
        sums = np.zeros(2)
        for choice in product(*layers):
            present = [k for k, hit in enumerate(choice) if hit is not None]
            weight = (0.97 / density) ** len(present) * 0.03 ** (4 - len(present))
            for k, matrices in enumerate(covariances(TRACKER)):
                p = weight
                for axis in range(2) if present else ():
                    block = matrices[axis][np.ix_(present, present)]
                    p *= multivariate_normal(np.zeros(len(present)), block).pdf([choice[d][axis] for d in present])
                sums[k] += p
        assert found[event] == pytest.approx(np.log(sums[0] / sums[1]), abs=1e-9)
    assert found[30] == 0.0
    assert is_track.any()


def test_without_noise_every_hit_belongs_to_the_track():
    hits = Hits(*np.array([[0] * 4, [0, 1, 2, 3], [2, 5, 6, 9], [6, 6, 5, 5]]))
    y = (np.stack([hits.row, hits.column]) + 0.5 - 6) * 0.1
    one, many = (
        sum(multivariate_normal(np.zeros(4), matrices[axis]).logpdf(y[axis]) for axis in range(2))
        for matrices in covariances(TRACKER)
    )
    assert log_likelihood_ratios(TRACKER, hits, 1, 0.97, 0.0)[0] == pytest.approx(one - many, abs=1e-9)


def test_a_shard_follows_from_its_seed_and_has_the_images_of_its_hits():
    def shard(seed):
        options = TrackerHits.Options(kind="tracker", events=50)
        return TrackerHits().simulate(options, 0, ShardSeed.of(seed, 0))[0]

    first, again, other = (shard(seed).inputs["hits"].column for seed in "112")
    assert np.array_equal(first.index, again.index)
    assert not np.array_equal(first.index, other.index)
    assert first.shape == (4, 12, 12)
    assert all(
        (np.diff(first.index[a:b]) > 0).all() for a, b in zip(first.offsets[:-1], first.offsets[1:], strict=True)
    )


@pytest.mark.parametrize(("options", "message"), [({"min_pt": 0.03}, "min_pt: "), ({"offset": 3.0}, "size: ")])
def test_tracks_that_curl_or_leave_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        TrackerHits.Options(kind="tracker", **options)


@pytest.mark.parametrize("options", [{"efficiency": 0.0}, {"efficiency": 0.0, "noise": 0.0}, {"events": 1}])
def test_events_of_noise_alone_or_of_nothing_are_as_probable_either_way(options):
    options = TrackerHits.Options(kind="tracker", **({"events": 40} | options))
    ratios = TrackerHits().simulate(options, 0, ShardSeed.of("1", 0))[0].inputs["likelihood"].column.values
    assert np.isfinite(ratios).all()
    assert options.efficiency > 0 or np.abs(ratios).max() < 1e-6
