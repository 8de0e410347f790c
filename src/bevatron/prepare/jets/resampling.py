"""Flavours of one spectrum, so that kinematics alone do not separate them."""

import numpy as np

from bevatron.prepare.jets.flavour import BEAUTY, CHARM, LIGHT
from bevatron.prepare.jets.jet_options import Resampling


def cells_of(pt: np.ndarray, eta: np.ndarray, flavour: np.ndarray, options: Resampling) -> np.ndarray:
    """The bin of (pt, |eta|) and the flavour of each jet as one number, (n,); pt in GeV."""
    bins = np.digitize(pt, options.pt_borders) * (len(options.eta_borders) + 1)
    bins += np.digitize(np.abs(eta), options.eta_borders)
    return bins * 3 + flavour


def n_cells(options: Resampling) -> int:
    """How many cells there are."""
    return 3 * (len(options.pt_borders) + 1) * (len(options.eta_borders) + 1)


def select_by_totals(cells: np.ndarray, totals: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The rows to keep of the jets in these cells (n,), in rising order: each with the probability that makes as many
    of each flavour, on average, as the rarest has in the bin. totals: jets of the training split in each cell, over
    all shards.
    """
    return np.flatnonzero(random.random(len(cells)) * totals[cells] < _rarest(totals)[cells])


def share_kept(totals: np.ndarray) -> float:
    """The share of the training split that is left."""
    return float(_rarest(totals).sum() / max(totals.sum(), 1.0))


def _rarest(totals: np.ndarray) -> np.ndarray:
    """In each cell, how many jets the rarest flavour of its bin has."""
    return np.repeat(totals.reshape(-1, len((LIGHT, CHARM, BEAUTY))).min(axis=1), 3)


def select_resampled(
    pt: np.ndarray,
    eta: np.ndarray,
    flavour: np.ndarray,
    training: np.ndarray,
    options: Resampling,
    random: np.random.Generator,
) -> np.ndarray:
    """The rows to keep, in rising order: of the jets `training` (n,) bool, in each bin of (pt, |eta|) as many of each
    flavour as the rarest one has there (undersampling, as ATLAS's training preparation does it). All arrays (n,); pt in
    GeV.

    Of the others each is kept with the probability that its bin and flavour were kept with in training, so that what
    is learned from does not depend on their labels, and a few of them lose no more than many would. A bin that lacks a
    flavour in training is empty afterwards.
    """
    cell, cells = cells_of(pt, eta, flavour, options), n_cells(options)
    counts = np.bincount(cell[training], minlength=cells)
    minimum = _rarest(counts)
    uniform = random.random(len(cell))
    selected = uniform * counts[cell] < minimum[cell]
    rows = np.flatnonzero(training)
    order = rows[np.lexsort((uniform[rows], cell[rows]))]
    first = np.searchsorted(cell[order], np.arange(cells))
    selected[order] = np.arange(len(order)) - first[cell[order]] < minimum[cell[order]]
    return np.flatnonzero(selected)
