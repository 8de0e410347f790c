"""The field of the wires: closed forms, reciprocity, convergence, and the published calculation."""

import numpy as np
import pytest

from bevatron.prepare.wires.field import (
    BIAS,
    CAPTURE,
    PLANE_X,
    PLANES,
    RADIUS,
    WireField,
    drift_speed,
    mean_weighting_potentials,
)
from bevatron.prepare.wires.induction import END, START, WIRES, read_table, write_table
from bevatron.prepare.wires.planes import PITCH


@pytest.fixture(scope="module")
def field():
    return WireField(reach=40, cathode=10.0)


def test_drift_speeds_are_the_measured_ones():
    """MicroBooNE's at 273 V/cm (arXiv:2008.09765), and W. Walkowiak's at 500 V/cm and 89 K, in cm/µs."""
    assert drift_speed(np.array([273.0]))[0] == pytest.approx(0.1098, rel=0.01)
    assert drift_speed(np.array([500.0]))[0] == pytest.approx(0.155, rel=0.02)


def test_the_drift_field_is_that_of_parallel_plates_far_from_the_wires(field):
    y = np.linspace(0, PITCH, 7)
    for x in (2.0, 6.0):
        along, across = field.drift_field_at(np.full(7, x), y)
        np.testing.assert_allclose(along, 273.0, rtol=1e-6)
        np.testing.assert_allclose(across, 0.0, atol=1e-3)
    assert field.drift_field_at(np.array([-2.0]), np.array([0.1]))[0] == pytest.approx(0.0, abs=1e-3)


def test_the_field_between_two_wires_gives_their_difference_in_voltage(field):
    """A line integral from surface to surface; the field along a wire's radius changes its potential by some volts."""
    for one, two in (("u", "v"), ("v", "y")):
        x = PLANE_X[two] + RADIUS + (PITCH - 2 * RADIUS) * (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, 4001)))
        along, _ = field.drift_field_at(x, np.zeros_like(x))
        assert np.trapezoid(along, x) == pytest.approx(BIAS[two] - BIAS[one], abs=7.0)


def test_all_weighting_potentials_and_that_of_the_cathode_add_up_to_one(field):
    """Where all electrodes are at 1, the potential is: near the middle the wires have it all, less the way to the
    cathode.
    """
    x, y = np.array([0.15, 0.45, 1.0, 2.0]), np.array([0.1, 0.02, 0.15, 0.0])
    wires = range(-field.reach, field.reach + 1)
    total = sum(field.weighting_potential(x, y, plane, wire) for plane in PLANES for wire in wires)
    plates = np.clip((field.cathode - x) / (field.cathode - PLANE_X["u"]), 0.0, 1.0)
    np.testing.assert_allclose(total, plates, atol=0.02)


def test_wires_are_at_their_potential_and_induce_reciprocally(field):
    np.testing.assert_allclose(field.capacitances, field.capacitances.T, atol=1e-10)
    for plane in PLANES:
        for other in PLANES:
            at = field.weighting_potential(np.array([PLANE_X[other] + RADIUS]), np.array([0.0]), plane)
            assert at[0] == pytest.approx(float(plane == other), abs=0.06)


def test_all_electrons_pass_u_and_v_and_end_on_y(field):
    start = np.linspace(-0.49, 0.49, 8) * PITCH
    path = field.drift(start, step=0.02)
    nearest = path.y[-1] - np.round(path.y[-1] / PITCH) * PITCH
    np.testing.assert_allclose(np.hypot(path.x[-1] - PLANE_X["y"], nearest), CAPTURE, atol=0.01)
    np.testing.assert_allclose(path.y[-1], nearest)  # of their own cell
    np.testing.assert_allclose(path.y, -path.y[:, ::-1], atol=0.02)  # a mirror


def test_lines_that_come_to_rest_are_refused(field):
    with pytest.raises(ValueError, match="start beside it"):
        field.drift(np.array([0.5, 0.0]) * PITCH, start_x=1.0, step=0.1)


def test_charge_on_one_wire_is_the_charge_of_y_and_none_on_u_and_v(field):
    path = field.drift(np.array([0.05]), step=0.02)
    end = [field.weighting_potential(path.x[-1], path.y[-1], plane)[0] for plane in PLANES]
    assert end == pytest.approx([0.0, 0.0, 1.0], abs=0.3)  # 0.1 mm before the wire's surface


def test_a_finer_field_gives_the_same_potentials(field):
    time = np.array([-20.0, -8.0, -2.0, -0.5, 0.0, 1.0, 3.0])
    for plane in "uv":
        coarse = mean_weighting_potentials(field, plane, 3, time, lines=8, step=0.04)
        fine = mean_weighting_potentials(WireField(80, 20.0), plane, 3, time, lines=16, step=0.02)
        np.testing.assert_allclose(coarse, fine, atol=0.006)


def test_potentials_are_those_of_the_published_field_calculation():
    """File ub-10-half.json of Wire-Cell's data, averaged over a wire's cell. What is induced on a wire when its paths
    begin, 10 cm from the wires, is added: 0.006 on u and 0.001 on v, where they end at minus that.
    """
    table = read_table()
    published = {
        ("u", 0): {-10: 0.057, -6: 0.090, -3: 0.158, -1: 0.302, 0: 0.439, 1: 0.235, 2: 0.083},
        ("u", 1): {-10: 0.054, -6: 0.080, -3: 0.116, -1: 0.132, 0: 0.109, 1: 0.094, 2: 0.045},
        ("u", 3): {-10: 0.039, -6: 0.042, -3: 0.034, -1: 0.019, 0: 0.009, 1: 0.006, 2: 0.003},
        ("u", 8): {-10: 0.013, -6: 0.010, -3: 0.006, -1: 0.003, 0: 0.001, 1: 0.001, 2: 0.000},
        ("v", 0): {-10: 0.013, -6: 0.022, -3: 0.043, -1: 0.202, 0: 0.341, 1: 0.182, 2: 0.045},
        ("v", 1): {-10: 0.012, -6: 0.019, -3: 0.029, -1: 0.083, 0: 0.103, 1: 0.080, 2: 0.024},
        ("v", 3): {-10: 0.008, -6: 0.008, -3: 0.005, -1: 0.003, 0: 0.003, 1: 0.003, 2: 0.002},
    }
    for (plane, wire), values in published.items():
        for time, value in values.items():
            assert np.interp(time, table["time"], table[plane][:, wire]) == pytest.approx(value, abs=0.035)


def test_the_table_ends_near_zero_and_falls_with_distance():
    table = read_table()
    assert table["time"][[0, -1]].tolist() == [START, END]
    for plane in "uv":
        assert table[plane].shape[1] == WIRES + 1
        assert table[plane][-1].max() < 0.005  # of the few electrons that start midway between two wires
        assert (np.diff(table[plane].max(0)) < 0).all()
        assert table[plane].min() >= 0


@pytest.mark.slow  # some seconds
def test_the_table_is_what_the_field_gives(tmp_path):
    from bevatron.prepare.wires.induction import TABLE

    write_table(tmp_path / "table.csv")
    again, table = (np.loadtxt(path, delimiter=",", skiprows=1) for path in (tmp_path / "table.csv", TABLE))
    np.testing.assert_allclose(again, table, atol=2e-4)
