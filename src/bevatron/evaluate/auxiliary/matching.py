"""Matches found vertices with true vertices."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

LEAST = 2  # smallest number of elements of a vertex that counts, found or true
EFFICIENCY, PURITY = 0.65, 0.5
ROUNDING = 1e-9  # a fraction may be below its limit by rounding


class MatchedVertices(NamedTuple):
    """True vertices: true_sample, true_size (number of elements) and is_found, (n_true,) each. Found vertices:
    found_sample, found_purity (largest fraction of their elements from one true vertex) and is_matched (whether a true
    vertex is matched with them), (n_found,) each.
    """

    true_sample: np.ndarray
    true_size: np.ndarray
    is_found: np.ndarray
    found_sample: np.ndarray
    found_purity: np.ndarray
    is_matched: np.ndarray


def join_pairs(first: np.ndarray, second: np.ndarray, n_elements: int) -> np.ndarray:
    """The number of each element's vertex, (n_elements,), from 0, if these pairs (n_pairs,) of elements are joined.

    Elements that are joined directly or through others are one vertex.
    """
    graph = csr_matrix((np.ones(len(first), bool), (first, second)), shape=(n_elements, n_elements))
    return connected_components(graph, directed=False)[1]


def match_vertices(
    found: np.ndarray, true: np.ndarray, sample: np.ndarray, primary: int | None = None
) -> MatchedVertices:
    """Matches found vertices with true vertices.

    found (n_elements,): the number of each element's found vertex, with different numbers in different samples; true
    (n_elements,): the number of its true vertex within its sample, below 0 if it has none; sample (n_elements,).

    A true vertex is found if at least 65 % of its elements are in one found vertex, and these are at least 50 % of the
    elements of the found vertex. A found vertex is matched with one true vertex only: if two have half of its elements
    each, with the first. Vertices of one element are ignored, found and true. This is the definition of ATLAS's
    figures (ATL-PHYS-PUB-2022-027; the limits are the defaults of github umami-hep/puma, puma/utils/vertexing.py).

    primary: the number of a true vertex that is left out. Found vertices with at least half of their elements from it
    are left out as well.
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
