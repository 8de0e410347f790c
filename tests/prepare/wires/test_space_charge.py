"""Displacement by space charge: its bounds, its potential, and that truth moves with images."""

import numpy as np
import pytest
from wire_events import images, prepared, raw

from bevatron.prepare.wires.space_charge import MOBILITY_SLOPE, SpaceCharge, displace_points

LOW, HIGH = (0.0, -116.5, 0.0), (256.0, 116.5, 1036.8)
FIELD = SpaceCharge(displacement=13.0)


def grid(x=None):
    axes = [np.linspace(a, b, 23) for a, b in zip(LOW, HIGH, strict=True)]
    if x is not None:
        axes[0] = np.array([x])
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)


def shift(points, field=FIELD):
    return displace_points(points, LOW, HIGH, field) - points


def test_nothing_moves_at_the_anode_and_nothing_along_x_at_the_cathode_and_the_walls():
    np.testing.assert_allclose(shift(grid(0.0)), 0.0, atol=1e-12)
    np.testing.assert_allclose(shift(grid(256.0))[:, 0], 0.0, atol=1e-12)
    walls = grid()
    walls = walls[(np.abs(walls[:, 1]) == 116.5) | (walls[:, 2] == 0.0) | (walls[:, 2] == 1036.8)]
    np.testing.assert_allclose(shift(walls)[:, 0], 0.0, atol=1e-12)
    np.testing.assert_array_equal(shift(grid(), SpaceCharge()), 0.0)


def test_displacements_are_bounded_and_point_inwards():
    points = grid()
    moved = shift(points)
    assert np.abs(moved[:, 1]).max() == pytest.approx(13.0)
    assert (moved[:, 0] >= 0).all()
    assert (moved[:, 1] * points[:, 1] <= 0).all()
    assert (moved[:, 2] * (points[:, 2] - 518.4) <= 0).all()
    assert ((points + moved >= np.array(LOW) - 1e-9) & (points + moved <= np.array(HIGH) + 1e-9)).all()
    line = np.stack([np.linspace(0, 256, 200), np.zeros(200), np.full(200, 518.4)], axis=1)
    assert (np.diff((line + shift(line))[:, 0]) > 0).all()  # no two points arrive at once


def test_the_sizes_are_microboones():
    """Its measured map: up to 12 to 14 cm in y, 4 cm in x, 8 to 10 cm in z; a smooth formula, so a third either way."""
    x, y, z = np.abs(shift(grid())).max(0)
    assert x == pytest.approx(4.0, rel=0.34)
    assert y == pytest.approx(13.0, rel=0.1)
    assert z == pytest.approx(9.0, rel=0.34)


def test_all_displacements_follow_from_one_potential():
    """Without curl: d Δy / dx = d (Δx / γ) / dy, and the same of z, up to first order."""
    inner, step = np.random.default_rng(1).uniform(np.array(LOW) + 20, np.array(HIGH) - 20, (50, 3)), 1e-3
    for axis in (1, 2):
        along, across = np.eye(3)[0] * step, np.eye(3)[axis] * step
        left = (shift(inner + along) - shift(inner - along))[:, axis]
        right = (shift(inner + across) - shift(inner - across))[:, 0] / MOBILITY_SLOPE
        np.testing.assert_allclose(left, right, atol=1e-8)


def test_boxes_and_windows_move_with_the_images():
    track = ((200, 70, 60), (230, 95, 110), 2.1, 0)  # far from the wires, beside the upper wall
    how = {"window": {"show": "detector"}, "images": {"fine": {"planes": ["y"]}}}
    before, after = (prepared(raw([[track]]), space_charge={"displacement": size}, **how) for size in (0.0, 13.0))
    one, two = (samples.targets["boxes"][0, 0, :4] for samples in (before, after))
    assert np.abs(one - two).max() * images(before).shape[2] > 3  # pixels
    for samples in (before, after):
        image = images(samples)[0, 0]
        height, width = image.shape
        x1, y1, x2, y2 = samples.targets["boxes"][0, 0, :4] * [width, height, width, height]
        inside = image[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))].sum()
        assert inside / image.sum() > 0.96
    square = prepared(raw([[track]]), space_charge={"displacement": 13.0})
    assert images(square)[0, 2].sum() == pytest.approx(images(after)[0, 0].sum(), rel=0.01)  # all of it is in view
