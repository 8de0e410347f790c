"""What muons radiate: bremsstrahlung, pairs and photonuclear interactions, as a mean loss."""

import numpy as np

from bevatron.simulate.argon.tracking.material import DENSITY

ENERGIES = np.array([2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0]) * 1e3
B = np.array([1.2751, 1.9093, 2.3847, 2.8750, 3.5629, 4.0501, 4.5054, 4.9777, 5.2579]) * 1e-6  # cm²/g


def muon_radiative_loss(kinetic: np.ndarray) -> np.ndarray:
    """MeV/cm: b(E) E with Groom, Mokhov and Striganov's b of liquid argon (PDG, muB_liquid_argon), interpolated in
    log E; below 2 GeV it falls as E, where it is less than 0.2 % of the loss. All of it is taken as lost near the
    track: the showers of muons above some 100 GeV are not made.
    """
    b = np.interp(np.log(kinetic), np.log(ENERGIES), B) * np.minimum(1.0, kinetic / ENERGIES[0])
    return b * kinetic * DENSITY
