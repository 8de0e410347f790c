"""Found vertices beside true ones: graphs against networkx, matches against loops over single jets."""

import networkx
import numpy as np
import pytest

from bevatron.evaluate.auxiliary.matching import join_pairs, match_vertices


def loops(found, true, primary=None):
    """Of one jet: for each true vertex whether it is found; for each found vertex its purity and whether it matches."""
    vertices = {k: set(np.flatnonzero(true == k)) for k in np.unique(true) if k >= 0}
    candidates = [set(np.flatnonzero(found == k)) for k in np.unique(found)]
    matched, is_found = set(), []
    for number, elements in sorted(vertices.items()):
        if len(elements) < 2 or number == primary:
            continue
        fits = [
            j
            for j, c in enumerate(candidates)
            if len(c) >= 2 and j not in matched and len(c & elements) * 20 >= 13 * len(elements)
            and 2 * len(c & elements) >= len(c)
        ]  # fmt: skip
        is_found.append(bool(fits))
        matched.update(fits)
    kept = []
    for j, c in enumerate(candidates):
        of_primary = len(c & vertices.get(primary, set()))  # 0 without a primary
        if len(c) >= 2 and 2 * of_primary < len(c):
            others = [len(c & elements) for number, elements in vertices.items() if number != primary]
            kept.append((max(others, default=0) / len(c), j in matched))
    return is_found, kept


@pytest.mark.parametrize("primary", [None, 0])
def test_matches_are_those_of_loops_over_single_jets(primary):
    rng = np.random.default_rng(11)
    lengths = rng.integers(0, 13, 300)
    sample = np.repeat(np.arange(300), lengths)
    true = rng.integers(-1, 4, len(sample))
    noisy = np.where(rng.random(len(sample)) < 0.25, rng.integers(-1, 5, len(sample)), true)
    found = np.unique(sample * 10 + np.where(noisy < 0, 5 + np.arange(len(sample)) % 4, noisy), return_inverse=True)[1]
    matched = match_vertices(found, true, sample, primary)
    is_found, purity, is_matched, true_sample, found_sample = [], [], [], [], []
    for jet in range(300):
        rows = sample == jet
        of_true, of_found = loops(found[rows], true[rows], primary)
        is_found += of_true
        true_sample += [jet] * len(of_true)
        purity += [p for p, _ in of_found]
        is_matched += [m for _, m in of_found]
        found_sample += [jet] * len(of_found)
    assert 50 < sum(is_found) < len(is_found)
    assert matched.is_found.tolist() == is_found
    assert matched.true_sample.tolist() == true_sample
    assert matched.found_sample.tolist() == found_sample
    assert np.allclose(matched.found_purity, purity)
    assert matched.is_matched.tolist() == is_matched


@pytest.mark.parametrize(
    ("found", "true", "is_found", "purity", "is_matched"),
    [
        ([0, 0, 1, 1], [1, 1, 2, 2], [True, True], [1, 1], [True, True]),
        ([0, 0, 0, 0], [1, 1, 2, 2], [True, False], [0.5], [True]),  # two halves: one of them alone
        ([0, 0, 1], [1, 1, 1], [True], [1], [True]),  # 2 of 3: more than 65 %
        ([0, 0, 1, 2, 2], [1, 1, 1, 1, 1], [False], [1, 1], [False, False]),
        ([0] * 13 + [1] * 7, [1] * 20, [True], [1, 1], [True, False]),  # exactly 65 %
        ([0, 0, 0, 0, 0], [1, 1, -1, -1, -1], [False], [0.4], [False]),  # less than half is of it
        ([0, 1], [1, 1], [False], [], []),
        ([0, 1], [1, 2], [], [], []),  # vertices of one element count on neither side
        ([0, 0], [-1, -1], [], [0], [False]),
        ([], [], [], [], []),
    ],
)
def test_single_jets(found, true, is_found, purity, is_matched):
    arrays = [np.array(values, np.int64) for values in (found, true, [0] * len(true))]
    matched = match_vertices(*arrays)
    assert matched.is_found.tolist() == is_found
    assert matched.found_purity.tolist() == purity
    assert matched.is_matched.tolist() == is_matched


def test_the_primary_vertex_is_neither_true_nor_found():
    found, true = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1])
    sample = np.zeros(5, np.int64)
    both, secondary = match_vertices(found, true, sample), match_vertices(found, true, sample, primary=0)
    assert len(both.is_found) == len(both.found_purity) == 2
    assert secondary.is_found.tolist() == [True]
    assert secondary.found_purity.tolist() == [1.0]


def test_numbers_of_vertices_of_two_jets_are_not_mixed_up():
    found, true, sample = np.array([0, 0, 1, 1]), np.array([3, 3, 3, 3]), np.array([0, 0, 1, 1])
    matched = match_vertices(found, true, sample)
    assert matched.is_found.tolist() == [True, True]
    assert matched.true_size.tolist() == [2, 2]


def test_joined_elements_are_the_components_of_the_graph():
    rng = np.random.default_rng(3)
    first, second = rng.integers(0, 200, (2, 120))
    graph = networkx.Graph(list(zip(first.tolist(), second.tolist(), strict=True)))
    graph.add_nodes_from(range(200))
    expected = sorted(sorted(part) for part in networkx.connected_components(graph))
    found = join_pairs(first, second, 200)
    assert sorted(np.flatnonzero(found == k).tolist() for k in np.unique(found)) == expected


def test_without_pairs_each_element_is_alone():
    nothing = np.zeros(0, np.int64)
    assert sorted(join_pairs(nothing, nothing, 4).tolist()) == [0, 1, 2, 3]
    assert len(join_pairs(nothing, nothing, 0)) == 0
