"""How wide a jet is."""

import numpy as np

from bevatron.store.shards.columns import Ragged


def jet_width(offset_from_axis: np.ndarray, pt: np.ndarray, constituents: Ragged) -> np.ndarray:
    """sqrt(Σ pt_i Δ_i² / Σ pt_i) over each jet's constituents, (n,) (Guest et al. 2016, jet width).

    offset_from_axis (total,): Δeta or Δphi of each constituent to the jet's axis; pt (total,) in GeV.
    """
    jet = np.repeat(np.arange(len(constituents)), constituents.lengths)
    second_moment = np.bincount(jet, pt * offset_from_axis**2, minlength=len(constituents))
    return np.sqrt(second_moment / np.bincount(jet, pt, minlength=len(constituents)))
