"""The flavour of a jet, by the heavy hadrons in it."""

import numpy as np

from bevatron.prepare.tracking.direction import delta_phi
from bevatron.store.shards.columns import Ragged

LIGHT, CHARM, BEAUTY = 0, 1, 2
QUARKS = {4: CHARM, 5: BEAUTY}


def assign_flavour(
    jet_eta: np.ndarray,
    jet_phi: np.ndarray,
    hadrons: Ragged,
    quarks: Ragged,
    delta_r: float,
    pt_min: float,
) -> np.ndarray:
    """2 (beauty) if a beauty hadron is in the jet, else 1 (charm) if a charm hadron is, else 0 (light); (n,)
    int64.

    A hadron is in the jet if its pt exceeds `pt_min` GeV, its ΔR to the axis is below `delta_r`, and no other
    jet is nearer; the source lists each hadron with its nearest jet alone. hadrons: values (total, ≥ 3) of
    px, py, pz in GeV; quarks: values (total, 2) of PDG number and heaviest quark.
    """
    jet = np.repeat(np.arange(len(hadrons)), hadrons.lengths)
    px, py, pz = hadrons.values[:, :3].T.astype(np.float64)
    pt = np.hypot(px, py)
    hard = pt > pt_min
    jet, px, py, pz, pt, quark = (column[hard] for column in (jet, px, py, pz, pt, quarks.values[:, 1]))
    distance = np.hypot(np.arcsinh(pz / pt) - jet_eta[jet], delta_phi(np.arctan2(py, px), jet_phi[jet]))
    label = np.full(len(hadrons), LIGHT, np.int64)
    for number, name in sorted(QUARKS.items()):  # beauty last: it overrules the charm into which it decays
        label[jet[(quark == number) & (distance < delta_r)]] = name
    return label
