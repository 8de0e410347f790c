"""What comes from neutrons is in the images, but moves neither boxes nor the window."""

import numpy as np
import pytest

from bevatron.prepare.wires.boxes import GUN, Boxes, find_boxes
from bevatron.prepare.wires.charge import drift_charge
from bevatron.prepare.wires.drift import Drift
from bevatron.prepare.wires.electronics import Electronics
from bevatron.prepare.wires.window import PlaneView

VIEW = PlaneView(0, 0, 600, 600)


def events(columns):
    """A track of 30 cm, and a speck of a fifth of its energy 70 cm further along the beam."""
    z = np.append(50 + 0.3 * np.arange(100), 150.0)
    segments = np.zeros((101, 9), np.float32)
    segments[:, [0, 3]] = 100.0
    segments[:, 2], segments[:, 5] = z, z + 0.3
    segments[:, 6], segments[:, 7] = np.append(np.full(100, 0.3), 6.0), np.append(np.full(100, 0.6), 12.0)
    ids = np.zeros((101, columns), np.int32)
    ids[100, 4:] = 1
    return segments, ids


def box(columns):
    charge = drift_charge(*events(columns), 0.0, Drift(), Electronics())
    codes, origins = np.array([13]), np.array([GUN])
    return charge, find_boxes(charge, codes, origins, {13: 0}, VIEW, Boxes())[0]


def test_a_box_leaves_out_what_comes_from_neutrons():
    charge, (x1, _, x2, _, number) = box(5)
    assert number == 0
    assert (x2 - x1) * VIEW.width == pytest.approx(100 + 2, abs=4)  # wires of 3 mm, and one more on either side
    assert charge.from_neutron.sum() == 2  # two points, which are charge all the same
    assert (charge.charge[charge.from_neutron] > 0).all()


def test_shards_that_do_not_know_have_none():
    charge, (x1, _, x2, _, _) = box(4)
    assert not charge.from_neutron.any()
    assert (x2 - x1) * VIEW.width > 300
