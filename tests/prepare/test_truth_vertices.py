"""Which tracks share a point, by hand and against plain loops."""

import numpy as np

from bevatron.prepare.jets.truth_vertices import number_vertices
from bevatron.raw.track_origins import FAKE, FROM_B, OTHER_SECONDARY, PILE_UP, PRIMARY
from bevatron.store.shards.columns import Ragged


def numbers(points, origin, offsets=None):
    points = np.asarray(points, float).reshape(-1, 3)
    offsets = np.array([0, len(points)] if offsets is None else offsets)
    return number_vertices(Ragged(points, offsets), np.asarray(origin, np.int8)).tolist()


def test_the_hard_collision_is_0_and_others_count_by_their_first_track():
    points = [[2, 0, 0], [0, 0, 0], [0, 3, 0], [2, 0, 0.05], [0, 0, 0.09], [0, 3, 0], [2, 0, 0]]
    assert numbers(points, [FROM_B, PRIMARY, FROM_B, FROM_B, PRIMARY, FROM_B, FROM_B]) == [1, 0, 2, 1, 0, 2, 1]


def test_a_decay_within_a_tenth_of_a_millimetre_counts_to_the_collision():
    assert numbers([[0.06, 0.06, 0.05], [0.08, 0.08, 0.0]], [FROM_B, FROM_B]) == [0, 1]


def test_pile_up_and_fakes_have_none_wherever_they_come_from():
    nan = [np.nan] * 3
    assert numbers([[0, 0, 0], nan, [5, 5, 5], [5, 5, 5]], [PILE_UP, FAKE, FROM_B, PILE_UP]) == [-1, -1, 1, -1]


def test_jets_count_by_themselves_and_may_be_empty():
    points = [[1, 0, 0], [2, 0, 0], [2, 0, 0], [1, 0, 0]]
    assert numbers(points, [FROM_B] * 4, [0, 0, 2, 2, 4, 4]) == [1, 2, 1, 2]
    assert numbers([], [], [0]) == []
    assert numbers([], [], [0, 0]) == []


def plain(points, origin):
    found, first = [], []
    for point, kind in zip(points, origin, strict=True):
        if kind in (PILE_UP, FAKE):
            found.append(-1)
        elif np.linalg.norm(point) < 0.1:
            found.append(0)
        else:
            near = [k for k, other in enumerate(first) if np.linalg.norm(point - other) < 0.1]
            if not near:
                first.append(point)
            found.append(near[0] + 1 if near else len(first))
    return found


def test_crowded_points_as_by_a_plain_loop():
    random = np.random.default_rng(0)
    for n in (1, 2, 7, 40, 200):
        points = random.uniform(-0.3, 0.3, (n, 3))
        origin = random.choice([PILE_UP, PRIMARY, FROM_B, OTHER_SECONDARY], n)
        assert numbers(points, origin) == plain(points, origin)
