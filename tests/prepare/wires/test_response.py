"""The response of wires and electronics: published numbers, closed forms, and charge that cancels itself."""

import numpy as np
import pytest
from wire_events import IDEAL, QUIET, images, prepared, raw

from bevatron.prepare.wires.charge import Charge
from bevatron.prepare.wires.drift import Drift
from bevatron.prepare.wires.effect_curves import TICK, track_signal, waveform
from bevatron.prepare.wires.response import (
    GAIN,
    induced_charge,
    millivolts,
    pixel_kernel,
    shaper_pulse,
    shaper_rates,
)

WAVEFORM = {"signal": "waveform", "rectify": False}
ACROSS = ((100, 0, 150), (102, 20, 200), 2.1, 0)
ALONG_DRIFT = ((80, 0, 150.15), (130, 0, 150.15), 2.1, 0)


def point(charge=50.0, time=20.0):
    """A point of charge in ke on wire 0 of all planes, at a time in µs."""
    one, zero = np.ones(1), np.zeros(1)
    return Charge(time * one, zero, 0.15 * one, charge * one, zero, zero, np.zeros(1, np.int64), np.zeros(1, bool))


def test_the_shaper_is_the_published_one():
    """Wire-Cell and LArSoft write MicroBooNE's pulse as exponentials with these rates over the peaking time."""
    published = np.array([2.94809, 2.82833 + 1.19361j, 2.82833 - 1.19361j, 2.40318 + 2.5928j, 2.40318 - 2.5928j])
    rates = shaper_rates(1.0)
    for rate in published:
        assert np.abs(rates - rate).min() < 0.01 * abs(rate)
    np.testing.assert_allclose(shaper_rates(2.0), rates / 2)


def test_the_pulse_rises_within_the_peaking_time_and_has_unit_area():
    time = np.arange(0, 30, 0.001)
    pulse = shaper_pulse(time, 2.0)
    assert pulse.sum() * 0.001 == pytest.approx(1.0, abs=1e-3)
    peak = pulse.argmax()
    assert time[peak] - time[np.searchsorted(pulse[:peak], 0.01 * pulse[peak])] == pytest.approx(2.0, abs=0.01)
    assert pulse.min() > -0.01 * pulse.max()


def test_a_femtocoulomb_gives_14_millivolts():
    electrons = 1e-15 / 1.602176634e-19
    pulse = shaper_pulse(np.arange(0, 20, 0.01), 2.0) * electrons / 1000
    assert millivolts(pulse, 2.0).max() == pytest.approx(14.0, rel=1e-4)


def test_widths_are_those_of_the_published_field_calculation():
    """File ub-10-half.json of Wire-Cell's data, averaged over a wire's cell; its samples are 0.1 µs apart."""
    time = np.arange(-10, 10, 0.01)
    for plane, largest, before, after in (("u", 0.43, 1.8, 1.0), ("v", 0.34, 1.1, 1.0)):
        charge = induced_charge(time, plane)
        above = time[charge > charge.max() / 2]
        assert charge.max() == pytest.approx(largest, abs=0.01)
        assert (-above[0], above[-1]) == pytest.approx((before, after), abs=0.4)
    low, high = (np.interp(q, induced_charge(time, "y"), time) for q in (0.16, 0.84))
    assert high - low == pytest.approx(1.9, abs=0.2)


@pytest.mark.parametrize("pixel_time", [0.5, 3.0])
def test_kernels_are_electrons_for_an_electron(pixel_time):
    for plane, total in {"u": 0.0, "v": 0.0, "y": 1.0}.items():
        kernel = pixel_kernel(plane, 2.0, pixel_time).values
        np.testing.assert_allclose(kernel.sum(1), total, atol=1e-6)
        assert np.abs(kernel[:, -1]).max() < 1e-4  # nothing is cut off
        assert np.abs(kernel[:, 0]).max() < (1e-4 if plane == "y" else 2e-3 * pixel_time)


def test_the_collection_plane_has_a_closed_form_gain():
    """The area under a waveform is the charge times the gain over the shaper's height."""
    highest = shaper_pulse(np.arange(0, 10, 0.01), 2.0).max()
    signal = waveform(point(50.0), "y", 0, 0.0, 100, 2.0)
    assert signal.sum() * TICK == pytest.approx(50.0 * 0.1602176634 * GAIN / highest, rel=1e-3)
    mean = (signal * (np.arange(100) + 0.5)).sum() / signal.sum() * TICK
    assert mean == pytest.approx(20.0, abs=TICK / 2)  # no delay
    for plane in "uv":
        bipolar = waveform(point(50.0), plane, 0, -20.0, 140, 2.0)
        assert abs(bipolar.sum()) < 1e-3 * np.abs(bipolar).sum()
        assert bipolar.argmax() < 40.0 / TICK < bipolar.argmin()  # first up, then down
        if plane == "u":  # which no plane shields: charge comes more slowly than it goes
            assert -bipolar.min() > 1.2 * bipolar.max()


def test_signals_are_linear_in_charge():
    for plane in "uvy":
        one, two = (waveform(point(q), plane, 0, 0.0, 100, 2.0) for q in (20.0, 40.0))
        np.testing.assert_allclose(two, 2 * one, rtol=1e-5, atol=1e-6)
        late = waveform(point(20.0, 30.0), plane, 0, 0.0, 100, 2.0)
        np.testing.assert_allclose(late[20:], one[:-20], atol=1e-3 * np.abs(one).max())


def test_images_of_waveforms_are_signed_on_induction_planes_and_hold_the_charge_on_collection():
    found, ideal = (images(prepared(raw([[ACROSS]]), response=how))[0] for how in (WAVEFORM, {}))
    for plane in found[:2]:
        assert abs(plane.sum()) < 0.02 * np.abs(plane).sum()  # digits of 100 electrons
        assert plane.min() < 0 < plane.max()
    assert found[2].sum() == pytest.approx(ideal[2].sum(), rel=0.02)
    rows = np.arange(found.shape[1]) + 0.5
    mean, wanted = ((plane.sum(1) * rows).sum() / plane.sum() for plane in (found[2], ideal[2]))
    assert mean == pytest.approx(wanted, abs=0.1)  # boxes and windows, which follow from the charge, stay aligned
    sizes = images(prepared(raw([[ACROSS]]), response={"signal": "waveform"}))[0]
    np.testing.assert_array_equal(sizes, np.abs(found))


def test_a_track_along_the_drift_keeps_its_ends_alone_on_induction_planes():
    electronics = {**QUIET, "threshold": 0.5}
    found = images(prepared(raw([[ALONG_DRIFT]]), response=WAVEFORM, electronics=electronics))[0]
    across = images(prepared(raw([[ACROSS]]), response=WAVEFORM, electronics=electronics))[0]
    for plane in (0, 1):
        steep, flat = (np.abs(image[plane]).sum() / image[2].sum() for image in (found, across))
        assert steep < 0.15 * flat
        rows = np.flatnonzero(np.abs(found[2]).max(1))
        strong = np.flatnonzero(np.abs(found[plane]).max(1) > 0.05 * found[2].max())
        assert strong.min() < rows.min() + 5
        assert strong.max() > rows.max() - 5
        assert found[plane][strong.min()].max() > 0 > found[plane][strong.max()].min()


@pytest.mark.parametrize(
    ("plane", "angles"),
    [
        ("u", {0: 1.08, 15: 1.35, 30: 1.28, 50: 0.98, 65: 0.66, 75: 0.42, 80: 0.29, 84: 0.19}),
        ("v", {0: 0.74, 15: 0.70, 30: 0.64, 50: 0.48, 65: 0.32, 75: 0.20, 80: 0.14, 84: 0.09}),
    ],
)
def test_a_tracks_signal_falls_with_its_angle_as_with_the_published_field_calculation(plane, angles):
    """The references are `track_signal` with the potentials of Wire-Cell's file ub-10-half.json instead of ours."""
    for angle, published in angles.items():
        assert track_signal(plane, angle, 2.0, 3.0, Drift()) == pytest.approx(published, rel=0.1)


def test_signals_of_two_tracks_add_up():
    one, two, both = (
        images(prepared(raw([tracks]), response=WAVEFORM, electronics=QUIET, window={"show": "detector"}))[0]
        for tracks in ([ACROSS], [ALONG_DRIFT], [ACROSS, ALONG_DRIFT])
    )
    np.testing.assert_allclose(both, one + two, atol=0.25)  # digits of 0.1 ke, and what is below a digit


def test_the_threshold_is_on_the_size_of_a_signal():
    quiet = prepared(raw([[ACROSS]]), response=WAVEFORM, electronics={**QUIET, "threshold": 2.0}, drift=IDEAL)
    value = quiet.inputs["fine"].column.value
    assert np.abs(value).min() >= 2.0 - 1e-6
    assert (value < 0).any()
