"""Strokes have the orientation of their class, as moments of their pixels say, and stay inside of the image."""

import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.strokes import Strokes


def simulate(shard=0, seed="1", **options):
    options = {"train": 200, "val": 50, "test": 50, **options}
    return Strokes().simulate(Strokes.Options(kind="strokes", **options), shard, ShardSeed.of(seed, shard))[0]


def image(samples, group):
    return samples.inputs[group].column.values[:, 0].astype(np.float64)


def axis(weights):
    """Angles of the long axis of distributions (n, rows, columns), in degrees, by their second moments."""
    rows, columns = np.mgrid[: weights.shape[1], : weights.shape[2]]
    total = weights.sum((1, 2))

    def mean(values):
        return (weights * values).sum((1, 2)) / total

    x, y = columns, -rows
    xx, yy, xy = mean(x * x) - mean(x) ** 2, mean(y * y) - mean(y) ** 2, mean(x * y) - mean(x) * mean(y)
    return np.rad2deg(0.5 * np.arctan2(2 * xy, xx - yy)) % 180


@pytest.mark.parametrize("edges", [0.0, 1.0])
@pytest.mark.parametrize("orientations", [2, 4, 6])
def test_the_long_axis_of_a_stroke_is_the_orientation_of_its_class(edges, orientations):
    samples = simulate(edges=edges, orientations=orientations, side=16, length=7)
    expected = samples.targets["orientation"] * 180 / orientations
    difference = np.abs(axis(image(samples, "sparse") ** 2) - expected)
    assert np.minimum(difference, 180 - difference).max() < 5


def test_lines_are_bright_and_edges_have_as_much_dark_as_bright():
    lines, edges = (image(simulate(edges=e, side=20), "sparse") for e in (0.0, 1.0))
    assert lines.min() >= 0
    assert lines.max() == pytest.approx(1.0, abs=0.01)
    balance = np.abs(edges.sum((1, 2))) / np.abs(edges).sum((1, 2))
    assert np.median(balance) < 0.01
    assert balance.max() < 0.1  # the border of the image may cut off the end of a side
    assert edges.min() == pytest.approx(-1.0, abs=0.05)
    assert edges.max() == pytest.approx(1.0, abs=0.05)
    # ∫ exp(-d²/2w²) across, times the length, with ends that are as soft: √(2π) w (L + √(2π) w)
    area = np.sqrt(2 * np.pi) * 0.7
    np.testing.assert_allclose(lines.sum((1, 2)).mean(), area * (5 + area), rtol=0.05)


def test_a_dense_image_has_as_many_strokes_as_its_brightness_says():
    samples = simulate(edges=0.0, orientations=3, own=3, others=1, side=30)
    ratio = image(samples, "dense").sum((1, 2)).mean() / image(samples, "sparse").sum((1, 2)).mean()
    assert ratio == pytest.approx(5.0, rel=0.02)


def test_own_strokes_alone_have_one_orientation():
    """Of lines in one direction the structure tensor's mean is that direction, however many there are."""
    samples = simulate(edges=0.0, own=5, others=0, side=24, length=11)
    down, right = np.gradient(image(samples, "dense"), axis=(1, 2))
    across = 0.5 * np.arctan2(2 * (-down * right).sum((1, 2)), (right**2 - down**2).sum((1, 2)))
    difference = np.abs((np.rad2deg(across) + 90) % 180 - samples.targets["orientation"] * 45)
    assert np.minimum(difference, 180 - difference).max() < 10


def test_splits_classes_and_shards():
    samples, other = simulate(), simulate(shard=1)
    assert np.bincount(samples.targets["split"]).tolist() == [200, 50, 50]
    assert np.bincount(samples.targets["orientation"]).min() > 40
    assert not set(samples.id.tolist()) & set(other.id.tolist())
    assert not np.array_equal(image(samples, "sparse"), image(other, "sparse"))
    np.testing.assert_array_equal(image(samples, "dense"), image(simulate(), "dense"))


def test_the_smallest_and_the_thinnest_strokes_are_numbers():
    samples = simulate(side=2, length=0.01, width=0.1, orientations=7, own=1, others=0, train=20, val=1, test=1)
    assert all(np.isfinite(image(samples, group)).all() for group in ("sparse", "dense"))


def test_strokes_longer_than_the_image_are_refused():
    with pytest.raises(ValidationError, match="a stroke of 12 pixels does not fit into 12"):
        Strokes.Options(kind="strokes", length=12.0)
