"""Flavours of one spectrum, so that kinematics alone do not tell them apart."""

import numpy as np

from bevatron.prepare.flavour import BEAUTY, CHARM, LIGHT
from bevatron.prepare.jet_options import Resampling


def resampled(
    pt: np.ndarray, eta: np.ndarray, flavour: np.ndarray, options: Resampling, random: np.random.Generator
) -> np.ndarray:
    """The rows to keep, in rising order: in each bin of (pt, |eta|) as many jets of each flavour as the rarest one
    has there (undersampling, as ATLAS's training preparation does it). All arrays (n,); pt in GeV.

    A bin that lacks a flavour is empty afterwards.
    """
    bins = np.digitize(pt, options.pt_borders) * (len(options.eta_borders) + 1)
    bins += np.digitize(np.abs(eta), options.eta_borders)
    cell = bins * 3 + flavour
    cells = 3 * (len(options.pt_borders) + 1) * (len(options.eta_borders) + 1)
    counts = np.bincount(cell, minlength=cells).reshape(-1, len((LIGHT, CHARM, BEAUTY)))
    least = np.repeat(counts.min(axis=1), 3)
    order = np.lexsort((random.random(len(cell)), cell))
    first = np.searchsorted(cell[order], np.arange(cells))
    place = np.arange(len(cell)) - first[cell[order]]
    return np.sort(order[place < least[cell[order]]])
