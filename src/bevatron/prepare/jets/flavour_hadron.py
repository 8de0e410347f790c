"""The pt and the decay length of the hadron that gives a jet its flavour, as targets."""

import numpy as np

from bevatron.prepare.jets.flavour import QUARKS
from bevatron.prepare.tracking.direction import delta_phi
from bevatron.store.shards.columns import Ragged


def hadron_targets(
    jet_eta: np.ndarray,
    jet_phi: np.ndarray,
    flavour: np.ndarray,
    hadrons: Ragged,
    quarks: Ragged,
    delta_r: float,
    pt_min: float,
) -> tuple[np.ndarray, np.ndarray]:
    """The pt (n,) in GeV and the decay length across the beam (n,) in mm of the hadron that gives a jet its flavour.

    This is the hardest hadron with the jet's heavy quark. Light jets have none: NaN. Both are float32. Hadrons and cuts
    are those of `flavour.assign_flavour`, which gives `flavour` (n,).
    """
    jet = np.repeat(np.arange(len(hadrons)), hadrons.lengths)
    px, py, pz = hadrons.values[:, :3].T.astype(np.float64)
    hadron_pt = np.hypot(px, py)
    distance = np.hypot(
        np.arcsinh(pz / np.maximum(hadron_pt, 1e-9)) - jet_eta[jet], delta_phi(np.arctan2(py, px), jet_phi[jet])
    )
    of_quark = np.zeros(len(jet), np.int64)
    for quark, name in QUARKS.items():
        of_quark[quarks.values[:, 1] == quark] = name
    rows = np.flatnonzero((of_quark == flavour[jet]) & (of_quark > 0) & (distance < delta_r) & (hadron_pt > pt_min))
    rows = rows[np.lexsort((-hadron_pt[rows], jet[rows]))]
    rows = rows[np.diff(jet[rows], prepend=-1) != 0]
    pt, length = np.full(len(hadrons), np.nan, np.float32), np.full(len(hadrons), np.nan, np.float32)
    pt[jet[rows]] = hadron_pt[rows]
    length[jet[rows]] = np.hypot(*hadrons.values[rows, 4:6].T.astype(np.float64))
    return pt, length
