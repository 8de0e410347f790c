"""Induction on neighbouring wires: a convolution, odd inputs, and noise that leaves plane y as it was."""

import numpy as np
import pytest
from scipy.signal import convolve2d
from wire_events import images, prepared, raw

from bevatron.prepare.wires.electronics import Electronics, read_out_pixels
from bevatron.prepare.wires.induction import LEAST, WIRES, add_induced, induced_on_wire, take_charges
from bevatron.prepare.wires.noise_draws import WEIGHTING, count_noise_draws
from bevatron.prepare.wires.response import BEFORE, FINE, apply_response, charged_cells, pixel_kernel, wire_kernel

NOISY = {"noise": 0.4, "coherent_noise": 0.2, "threshold": 1.0, "dead_fraction": 0.1}


def cells_of(seed, height=20, width=30, margin=6, filled=0.03):
    """Cells with charge here and there, also at their edges."""
    random = np.random.default_rng(seed)
    shape = ((height + 2 * margin) * FINE, width)
    cells = np.where(random.random(shape) < filled, random.uniform(1, 20, shape), 0.0).astype(np.float32)
    cells[0, 0] = cells[-1, -1] = cells[margin * FINE, 0] = 5.0
    return cells


@pytest.mark.parametrize("plane", ["u", "v"])
def test_signals_are_the_convolution_of_charge_and_response(plane):
    height, width, margin = 20, 30, 6
    cells, image = cells_of(1), np.zeros((height, width), np.float32)
    kernel = pixel_kernel(plane, 2.0, 3.0)
    expected = np.zeros((height + 2 * margin + kernel.values.shape[1] - 1, width + 2 * WIRES))
    for k in range(FINE):
        expected += convolve2d(cells[k::FINE], kernel.values[k])
    first = margin - kernel.first
    add_induced(*take_charges(cells), kernel.first, kernel.values, margin, image)
    np.testing.assert_allclose(image, expected[first : first + height, WIRES:-WIRES], atol=1e-4)
    assert not cells.any()


@pytest.mark.parametrize("plane", ["u", "v"])
def test_a_charge_induces_nothing_in_total_and_alike_on_both_sides(plane):
    kernel = pixel_kernel(plane, 2.0, 3.0).values
    np.testing.assert_allclose(kernel.sum(1), 0.0, atol=1e-6)
    np.testing.assert_array_equal(kernel, kernel[:, :, ::-1])
    sizes = np.abs(kernel).sum((0, 1))[WIRES:]
    assert (np.diff(sizes) < 0).all()  # less on each farther wire
    before, after = induced_on_wire(np.array([-24.1, 1e6]), plane)
    assert before == after == 0.0


def test_shapes_of_pixels_that_nobody_uses_still_have_no_charge_in_total():
    for pixel_time in (0.5, 7.0, 100.0):
        for peaking_time in (0.5, 3.0):
            np.testing.assert_allclose(pixel_kernel("u", peaking_time, pixel_time).values.sum(1), 0.0, atol=1e-6)


@pytest.mark.parametrize("plane", ["u", "v"])
def test_draws_are_counted_as_version_2_counted_pixels(plane):
    height, width, margin = 20, 30, 6
    cells, image = cells_of(2), np.zeros((height, width), np.float32)

    def weighting(time):
        largest, rise, fall = WEIGHTING[plane]
        return largest * np.exp(-((time / np.where(time < 0, rise, fall)) ** 2) / 2)

    kernel, scratch = wire_kernel(weighting, 0.0, BEFORE, 2.0, 3.0), np.zeros_like(image)
    charges = take_charges(cells.copy())
    found = count_noise_draws(charges, plane, 2.0, 3.0, margin, scratch)
    apply_response(cells, kernel.first, kernel.values, margin, image)
    assert found == np.count_nonzero(image) > 0
    assert not scratch.any()


def test_the_stream_of_random_numbers_goes_on_from_the_same_place_whatever_is_on_the_neighbours():
    electronics, dead = Electronics.model_validate(NOISY), np.zeros(60, bool)
    one, other = np.zeros((40, 60), np.float32), np.zeros((40, 60), np.float32)
    one[5:9, 7], other[5:30, 7:50] = 20.0, 3.0
    states, results = [], []
    for image, draws in ((one, 4), (other, 4), (np.zeros_like(one), 4)):
        random = np.random.Generator(np.random.Philox(3))
        results.append(read_out_pixels(image, dead, electronics, random, 0, True, draws))
        states.append(random.random())
    assert len(set(states)) == 1
    noise = results[1][1] - 3.0
    inside = np.isin(results[1][0], np.flatnonzero(other))
    assert noise[inside].std() == pytest.approx(np.hypot(0.4, 0.2), rel=0.15)  # all pixels have noise of their own


def test_an_event_without_charge_and_charge_outside_of_the_image_give_nothing():
    waveform = {"response": {"signal": "waveform"}, "window": {"show": "detector"}}
    quiet = {"noise": 0.0, "threshold": 0.0, "dead_fraction": 0.0}
    assert not images(prepared(raw([[]]), electronics=quiet, **waveform)).any()
    cells = np.zeros((60, 5), np.float32)
    for time in (np.array([]), np.array([-500.0]), np.array([1e6])):
        part, margin = charged_cells(cells, time, np.full(len(time), 2.0), 6)
        assert part.shape[0] in (0, *range(7))
        assert part.shape[1] == 5
        assert margin <= 6


def test_the_smallest_charges_are_left_out():
    image, kernel = np.zeros((20, 30), np.float32), pixel_kernel("u", 2.0, 3.0)
    cells = np.zeros((32 * FINE, 30), np.float32)
    cells[48, 15] = 0.9 * LEAST
    add_induced(*take_charges(cells), kernel.first, kernel.values, 6, image)
    assert not image.any()
