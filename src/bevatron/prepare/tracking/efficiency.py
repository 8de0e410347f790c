"""The fraction of charged particles whose track is found."""

import numpy as np

CENTRAL, FORWARD = 0.91, 0.73  # at |eta| < 1 and at 2.4, hard tracks
SOFT_LOSS, SOFT_PT = 0.10, 1.0  # further losses at small pt; GeV


def efficiency(pt: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """ε(pt, eta) = ε_eta (1 - 0.10 exp(-pt / 1 GeV)), ε_eta = 0.91 for |eta| < 1 and falling in a line to 0.73 at
    2.4; pt (n,) in GeV.

    A simple shape, not a fit: its plateaus are about those of simulated minimum-bias events in ATLAS
    (ATL-PHYS-PUB-2015-051, fig. 1, loose tracks), where most losses are hadrons that interact in the material.
    Read off a figure, so to a few per cent. CMS publishes 0.94 for |eta| < 0.9 and 0.85 up to 2.5, of prompt particles
    of pt > 0.9 GeV (arXiv:1405.6569). Losses where a jet's tracks lie close together are left out: ATLAS measured that
    of particles that share a cluster of pixels 6 % are lost, in jets of 200 to 400 GeV (arXiv:1704.07983), harder than
    ours.
    """
    along = np.interp(np.abs(eta), (1.0, 2.4), (CENTRAL, FORWARD))
    return along * (1.0 - SOFT_LOSS * np.exp(-np.asarray(pt) / SOFT_PT))
