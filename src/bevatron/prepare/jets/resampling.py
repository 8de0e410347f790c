"""Flavours of one spectrum, so that kinematics alone do not separate them."""

import numpy as np

from bevatron.prepare.jets.flavour import BEAUTY, CHARM, LIGHT
from bevatron.prepare.jets.jet_options import Resampling


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
    bins = np.digitize(pt, options.pt_borders) * (len(options.eta_borders) + 1)
    bins += np.digitize(np.abs(eta), options.eta_borders)
    cell = bins * 3 + flavour
    cells = 3 * (len(options.pt_borders) + 1) * (len(options.eta_borders) + 1)
    counts = np.bincount(cell[training], minlength=cells)
    minimum = np.repeat(counts.reshape(-1, len((LIGHT, CHARM, BEAUTY))).min(axis=1), 3)
    uniform = random.random(len(cell))
    selected = uniform * counts[cell] < minimum[cell]
    rows = np.flatnonzero(training)
    order = rows[np.lexsort((uniform[rows], cell[rows]))]
    first = np.searchsorted(cell[order], np.arange(cells))
    selected[order] = np.arange(len(order)) - first[cell[order]] < minimum[cell[order]]
    return np.flatnonzero(selected)
