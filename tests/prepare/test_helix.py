"""Impact parameters against closed forms and against a helix followed step by step."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize_scalar

from bevatron.prepare.tracking.helix import CURVATURE, lifetime_sign, perigee

FIELD = 2.0


def random_tracks(n=200, seed=1):
    random = np.random.default_rng(seed)
    phi, eta = random.uniform(-np.pi, np.pi, n), random.uniform(-2.5, 2.5, n)
    pt = random.uniform(0.5, 30.0, n)
    momentum = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=1)
    vertex = random.normal(0.0, [8.0, 8.0, 20.0], (n, 3))
    return momentum, vertex, random.choice([-1.0, 1.0], n)


def test_prompt_tracks_have_no_impact_parameter():
    momentum, vertex, charge = random_tracks()
    found = perigee(momentum, vertex * 0.0, charge, FIELD)
    assert np.abs(found.d0).max() == 0.0
    assert np.abs(found.z0).max() == 0.0
    np.testing.assert_allclose(found.phi, np.arctan2(momentum[:, 1], momentum[:, 0]), atol=1e-12)


def test_without_field_it_is_the_distance_of_a_straight_line():
    momentum, vertex, charge = random_tracks()
    direction = momentum[:, :2] / np.linalg.norm(momentum[:, :2], axis=1, keepdims=True)
    along = np.sum(vertex[:, :2] * direction, axis=1)
    nearest = vertex[:, :2] - along[:, None] * direction
    slope = momentum[:, 2] / np.hypot(*momentum[:, :2].T)
    found = perigee(momentum, vertex, charge, field=0.0)
    np.testing.assert_allclose(np.abs(found.d0), np.linalg.norm(nearest, axis=1), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.z0, vertex[:, 2] - along * slope, rtol=1e-9)


def test_stiff_tracks_approach_the_straight_line():
    momentum, vertex, charge = random_tracks()
    straight = perigee(momentum, vertex, charge, 0.0)
    stiff = perigee(momentum * 1e9, vertex, charge, FIELD)
    np.testing.assert_allclose(stiff.d0, straight.d0, atol=1e-7)
    np.testing.assert_allclose(stiff.z0, straight.z0, atol=1e-7)


def test_distance_to_the_circle_by_its_centre():
    """|d0| = | distance of the axis to the circle's centre - radius |."""
    momentum, vertex, charge = random_tracks()
    pt = np.hypot(*momentum[:, :2].T)
    radius = pt / (CURVATURE * FIELD)
    to_centre = charge[:, None] * np.stack([momentum[:, 1], -momentum[:, 0]], axis=1) / pt[:, None]  # v × B
    distance = np.linalg.norm(vertex[:, :2] + radius[:, None] * to_centre, axis=1)
    np.testing.assert_allclose(
        np.abs(perigee(momentum, vertex, charge, FIELD).d0), np.abs(distance - radius), atol=1e-8
    )


@pytest.mark.parametrize("track", range(8))
def test_against_the_lorentz_force_followed_step_by_step(track):
    """The point nearest to the axis on a numerically integrated path, p' = q v × B."""
    momentum, vertex, charge = (column[track] for column in random_tracks())
    size = np.linalg.norm(momentum)

    def force(_, state):
        px, py, _ = state[3:]
        bend = CURVATURE * charge * FIELD / size
        return [*(state[3:] / size), bend * py, -bend * px, 0.0]

    reach, start = 150.0, [*vertex, *momentum]
    paths = [
        solve_ivp(force, (0, end), start, dense_output=True, rtol=1e-11, atol=1e-11).sol for end in (-reach, reach)
    ]

    def state(length):
        return paths[int(length > 0)](length)

    coarse = np.linspace(-reach, reach, 601)
    nearest = coarse[np.argmin([np.hypot(*state(s)[:2]) for s in coarse])]
    near, precise = (nearest - 1, nearest + 1), {"xatol": 1e-10}
    best = minimize_scalar(lambda s: np.hypot(*state(s)[:2]), bounds=near, method="bounded", options=precise)
    x, y, z, px, py, _ = state(best.x)
    found = perigee(momentum[None], vertex[None], np.array([charge]), FIELD)
    assert found.d0[0] == pytest.approx(np.sign(y * px - x * py) * np.hypot(x, y), abs=1e-6)
    assert found.z0[0] == pytest.approx(z, abs=1e-4)
    assert found.phi[0] == pytest.approx(np.arctan2(py, px), abs=1e-6)


def test_rotation_about_the_beam_changes_only_phi():
    momentum, vertex, charge = random_tracks()
    angle = 1.234
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    before = perigee(momentum, vertex, charge, FIELD)
    after = perigee(momentum @ turn, vertex @ turn, charge, FIELD)
    np.testing.assert_allclose(after.d0, before.d0, atol=1e-9)
    np.testing.assert_allclose(after.z0, before.z0, atol=1e-8)
    np.testing.assert_allclose(np.cos(after.phi - before.phi), np.cos(angle), atol=1e-9)


def test_mirrored_particles_of_opposite_charge_have_opposite_d0():
    momentum, vertex, charge = random_tracks()
    mirror = np.array([1.0, -1.0, 1.0])
    before = perigee(momentum, vertex, charge, FIELD)
    after = perigee(momentum * mirror, vertex * mirror, -charge, FIELD)
    np.testing.assert_allclose(after.d0, -before.d0, atol=1e-12)
    np.testing.assert_allclose(after.z0, before.z0, atol=1e-12)


def test_charge_bends_the_track_the_way_lorentz_says():
    """In a field along +z a positive charge flying along +x turns towards -y."""
    momentum, vertex = np.array([[1.0, 0.0, 0.0]]), np.array([[100.0, 0.0, 0.0]])
    plus, minus = (perigee(momentum, vertex, np.array([q]), FIELD).d0[0] for q in (1.0, -1.0))
    sagitta = 100.0**2 * CURVATURE * FIELD / 2  # traced back, it leaves the axis by s² / 2R
    assert plus == pytest.approx(-sagitta, rel=0.01)
    assert minus == pytest.approx(sagitta, rel=0.01)


def test_theta_and_q_over_p_are_those_of_the_momentum():
    momentum, vertex, charge = random_tracks()
    found = perigee(momentum, vertex, charge, FIELD)
    size = np.linalg.norm(momentum, axis=1)
    np.testing.assert_allclose(np.cos(found.theta), momentum[:, 2] / size, atol=1e-12)
    np.testing.assert_allclose(found.q_over_p * size, charge)
    columns = [found.d0, found.z0, found.phi, found.theta, found.q_over_p]
    np.testing.assert_array_equal(found.parameters, np.stack(columns, axis=1))


def test_d0_is_positive_with_the_axis_on_the_right():
    """By hand: straight along +x, passing at y = +1 mm the axis lies to the right, at y = -1 mm to the left."""
    momentum, sides = np.array([[1e9, 0.0, 0.0]] * 2), np.array([[5.0, 1.0, 0.0], [5.0, -1.0, 0.0]])
    np.testing.assert_allclose(perigee(momentum, sides, np.ones(2), FIELD).d0, [1.0, -1.0], atol=1e-6)


def test_decay_products_in_front_of_the_collision_have_positive_sign():
    """A particle flies 2 mm along the jet and decays; what it emits crosses the jet's axis right there."""
    jet_phi, emitted = 0.7, 0.7 + np.array([0.2, -0.2, 0.05])
    vertex = 2.0 * np.array([[np.cos(jet_phi), np.sin(jet_phi), 0.0]] * 3)
    momentum = 100.0 * np.stack([np.cos(emitted), np.sin(emitted), np.zeros(3)], axis=1)
    for sign, place in ((1.0, vertex), (-1.0, -vertex)):
        found = perigee(momentum, place, np.ones(3), 1e-6)
        assert lifetime_sign(found.d0, found.phi, np.full(3, jet_phi)).tolist() == [sign] * 3
