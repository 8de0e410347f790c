"""Noise that boards share, and dead chips."""

import numpy as np
import pytest
from scipy.special import ndtr
from wire_events import MUON, QUIET, images, prepared, raw

from bevatron.prepare.wires.electronics import Electronics, dead_wires
from bevatron.prepare.wires.noise import coherent_noise, noise_above
from bevatron.prepare.wires.planes import extent


def random(seed=1):
    return np.random.Generator(np.random.Philox(seed))


def test_boards_are_independent_and_remember_for_their_correlation_time():
    noise = coherent_noise(4000, 12, 0.7, 0.6, random())
    assert noise.std() == pytest.approx(0.7, rel=0.03)
    assert noise[0].std() > 0.2  # stationary from the first pixel
    between = np.corrcoef(noise, rowvar=False)[~np.eye(12, dtype=bool)]
    assert np.abs(between).max() < 0.15
    assert abs(between.mean()) < 0.02
    for lag in (1, 2):
        assert (noise[lag:] * noise[:-lag]).mean() / noise.var() == pytest.approx(0.6**lag, abs=0.03)


@pytest.mark.parametrize("signed", [False, True])
def test_noise_above_a_threshold_is_that_of_a_draw_for_every_wire(signed):
    """Fraction, mean size and covariance within a board, of the sum of the shared and the wires' own noise."""
    height, boards = 3000, np.repeat(np.arange(4), [10, 48, 48, 30])
    shared = coherent_noise(height, 4, 0.6, 0.0, random(2))
    index, value = noise_above(shared, boards, 0.8, 1.5, signed, random(3))
    assert len(set(index.tolist())) == len(index)
    sides = 2 if signed else 1
    assert len(index) / (height * len(boards)) == pytest.approx(sides * ndtr(-1.5), rel=0.03)  # 0.6² + 0.8² = 1
    assert np.abs(value).min() >= 1.5
    density = np.exp(-(1.5**2) / 2) / np.sqrt(2 * np.pi)
    assert np.abs(value).mean() == pytest.approx(density / ndtr(-1.5), rel=0.01)
    assert (value < 0).mean() == pytest.approx(0.5 if signed else 0.0, abs=0.03)
    lifted = np.zeros(height * len(boards))
    lifted[index] = np.sign(value)
    correlation = np.corrcoef(lifted.reshape(height, -1), rowvar=False)
    same = boards[:, None] == boards[None, :]
    assert correlation[same & ~np.eye(len(boards), dtype=bool)].mean() > 0.1
    assert abs(correlation[~same].mean()) < 0.02


def test_noise_in_images_is_correlated_within_boards_alone():
    """Of a noise of 1 ke of each wire and 1 ke of its board, half of the variance is common."""
    electronics = {"noise": 1.0, "coherent_noise": 1.0, "threshold": 0.0, "dead_fraction": 0.0}
    how = {"response": {"signal": "waveform", "rectify": False}, "window": {"show": "detector"}}
    found = images(prepared(raw([[MUON]]), electronics=electronics, images={"fine": {"planes": ["u"]}}, **how))[0, 0]
    first = extent((0, -100, 0), (250, 100, 300), "u")[0]
    board = (first + np.arange(found.shape[1])) // 48
    empty = slice(0, 250)  # the muon arrives later
    assert found[empty].std() == pytest.approx(np.sqrt(2), rel=0.03)
    correlation = np.corrcoef(found[empty], rowvar=False)
    same = board[:, None] == board[None, :]
    assert correlation[same & ~np.eye(len(board), dtype=bool)].mean() == pytest.approx(0.5, abs=0.03)
    assert correlation[~same].mean() == pytest.approx(0.0, abs=0.03)


def test_a_tenth_of_microboones_wires_is_dead_by_default_in_whole_chips():
    """arXiv:1705.07341: about a tenth of 8,256 channels; three standard deviations of 516 chips are 0.04."""
    dead = []
    for plane, name in enumerate("uvy"):
        first, last = extent((0.0, -116.5, 0.0), (256.0, 116.5, 1036.8), name)
        numbers = np.arange(first // 16 * 16, last)
        one = dead_wires(numbers, plane, Electronics())
        dead.append(one)
        chips = one[: len(one) // 16 * 16].reshape(-1, 16)
        assert (chips.all(1) | ~chips.any(1)).all()
        np.testing.assert_array_equal(dead_wires(numbers[37:90], plane, Electronics()), one[37:90])
    assert np.concatenate(dead).mean() == pytest.approx(0.1, abs=0.04)


def test_no_box_is_drawn_around_charge_on_dead_wires():
    dead = prepared(raw([[MUON]]), electronics={**QUIET, "dead_fraction": 0.999})
    assert (dead.targets["boxes"] == -1).all()
    whole, part = (
        prepared(raw([[MUON]]), electronics={**QUIET, "dead_fraction": fraction, "dead_seed": 4, "dead_block": 48})
        for fraction in (0.0, 0.5)
    )
    image = images(part)[0, 2]
    x1, _, x2, _ = part.targets["boxes"][0, 0, :4] * image.shape[1]
    seen = np.flatnonzero(image.sum(0))
    assert (x1, x2) == pytest.approx((seen[0], seen[-1] + 1), abs=3)
    assert (part.targets["boxes"] != whole.targets["boxes"]).any()
