"""Found vertices beside true ones."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

LEAST = 2  # elements of a vertex that counts, found or true
EFFICIENCY, PURITY = 0.65, 0.5
ROUNDING = 1e-9  # of a fraction that is at its limit


class MatchedVertices(NamedTuple):
    """True vertices: their samples (n_true,), numbers of elements (n_true,), and whether each is found (n_true,) bool.
    Found ones: their samples (n_found,), the largest fraction of their elements from one true vertex (n_found,), and
    whether a true vertex is matched with it (n_found,) bool.
    """

    true_sample: np.ndarray
    true_size: np.ndarray
    is_found: np.ndarray
    found_sample: np.ndarray
    found_purity: np.ndarray
    is_matched: np.ndarray


def join_pairs(first: np.ndarray, second: np.ndarray, n_elements: int) -> np.ndarray:
    """The vertex of each element (n_elements,) where the pairs (n_pairs,) of elements are joined: elements are of one
    vertex that are joined directly or by others. Vertices are numbered from 0.
    """
    graph = csr_matrix((np.ones(len(first), bool), (first, second)), shape=(n_elements, n_elements))
    return connected_components(graph, directed=False)[1]


def match_vertices(
    found: np.ndarray, true: np.ndarray, sample: np.ndarray, primary: int | None = None
) -> MatchedVertices:
    """Which true vertices are found; all arrays (n_elements,): found, the number of each element's found vertex, which
    no two samples share; true, that of its true vertex within its sample, below 0 where it has none; its sample.

    A true vertex is found if at least 65 % of its elements are in one found vertex, of whose elements they are at least
    50 %. A found vertex is matched with one true vertex alone: with the first of the two halves of which it may be.
    Vertices of one element count on neither side. So do ATLAS's figures (ATL-PHYS-PUB-2022-027; the limits are the
    defaults of github umami-hep/puma, puma/utils/vertexing.py).

    primary: number of the true vertex that is not looked for; found vertices of which at least half of the elements are
    of it are left out as well.
    """
    size_of_found = np.bincount(found)
    sample_of_found = np.zeros(len(size_of_found), np.int64)
    sample_of_found[found] = sample
    has_true = true >= 0
    key = sample[has_true] * (int(true.max(initial=0)) + 1) + true[has_true].astype(np.int64)
    _, representative, number = np.unique(key, return_index=True, return_inverse=True)
    true_size, true_sample = np.bincount(number), sample[has_true][representative]
    is_primary = np.zeros(len(true_size), bool)
    if primary is not None:
        is_primary = true[has_true][representative] == primary

    cell, shared = np.unique(number * max(len(size_of_found), 1) + found[has_true], return_counts=True)
    of_true, of_found = np.divmod(cell, max(len(size_of_found), 1))
    fraction_of_found = shared / size_of_found[of_found]
    counts = (true_size >= LEAST) & ~is_primary
    matches = counts[of_true] & (size_of_found[of_found] >= LEAST)
    matches &= shared >= EFFICIENCY * true_size[of_true] - ROUNDING
    matches &= fraction_of_found >= PURITY - ROUNDING
    _, once = np.unique(of_found[matches], return_index=True)
    is_found, is_matched = np.zeros(len(true_size), bool), np.zeros(len(size_of_found), bool)
    is_found[of_true[matches][once]] = True
    is_matched[of_found[matches]] = True

    purity, of_primary = np.zeros((2, len(size_of_found)))
    secondary = ~is_primary[of_true]
    np.maximum.at(purity, of_found[secondary], fraction_of_found[secondary])
    of_primary[of_found[~secondary]] = fraction_of_found[~secondary]
    looked_at = (size_of_found >= LEAST) & (of_primary < PURITY - ROUNDING)
    return MatchedVertices(
        true_sample[counts],
        true_size[counts],
        is_found[counts],
        sample_of_found[looked_at],
        purity[looked_at],
        is_matched[looked_at],
    )
