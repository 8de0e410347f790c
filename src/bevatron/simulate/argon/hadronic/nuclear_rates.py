"""Cross-sections of pions and protons on argon nuclei, against kinetic energy. Compiled."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled

PER_MILLIBARN = 1.396 * 6.02214076e23 / 39.948 * 1e-27  # nuclei/cm³ times cm²/mb: 1/cm for one millibarn
QUASI_ELASTIC, ABSORPTION, CHARGE_EXCHANGE, PRODUCTION = 0, 1, 2, 3

# Pions, in mb on argon. Up to 315 MeV the measurements on carbon and iron of D. Ashery et al., Phys. Rev. C 23 (1981)
# 2173 (absorption, inelastic scattering, charge exchange), brought to A = 40 with A^(2/3) and rounded; above, the
# reaction cross-section falls to the 560 mb of 1 GeV, where producing further pions takes over. π⁺ and π⁻ are taken as
# equal. To 20 %, at low and at high energy to 30 %.
PION_ENERGY = np.array([0.0, 30.0, 50.0, 85.0, 125.0, 165.0, 205.0, 245.0, 315.0, 400.0, 500.0, 700.0, 1000.0, 2000.0])
PION_TABLE = np.array(
    [
        [10.0, 40.0, 90.0, 200.0, 340.0, 460.0, 490.0, 470.0, 410.0, 350.0, 310.0, 260.0, 200.0, 180.0],
        [80.0, 150.0, 220.0, 320.0, 400.0, 420.0, 370.0, 290.0, 170.0, 100.0, 70.0, 50.0, 30.0, 20.0],
        [10.0, 30.0, 40.0, 70.0, 100.0, 115.0, 115.0, 100.0, 80.0, 70.0, 60.0, 45.0, 35.0, 30.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 10.0, 50.0, 110.0, 230.0, 300.0, 320.0],
    ]
)
COULOMB = 5.0  # MeV: height of argon's barrier for protons


@compiled
def pion_cross_section(kinetic: float, channel: int) -> float:
    """In mb, of one of the four channels: on straight lines through the table, and constant outside of it.

    numpy.interp by hand: numba takes two seconds to compile it.
    """
    last = len(PION_ENERGY) - 1
    if kinetic <= PION_ENERGY[0]:
        return PION_TABLE[channel, 0]
    if kinetic >= PION_ENERGY[last]:
        return PION_TABLE[channel, last]
    at = 0
    while PION_ENERGY[at + 1] <= kinetic:
        at += 1
    low, high = PION_TABLE[channel, at], PION_TABLE[channel, at + 1]
    slope = (high - low) / (PION_ENERGY[at + 1] - PION_ENERGY[at])
    return slope * (kinetic - PION_ENERGY[at]) + low


@compiled
def proton_cross_section(kinetic: float) -> float:
    """The reaction cross-section in mb.

    J. R. Letaw, R. Silberberg and C. H. Tsao, Astrophys. J. Suppl. 51 (1983) 271: 45 A^0.7 (1 + 0.016 sin(5.3 - 2.63 ln
    A)) (1 - 0.62 exp(-E/200) sin(10.9 E^-0.28)), to some per cent above 40 MeV; below, with a Coulomb factor 1 - B/E.
    """
    if kinetic <= COULOMB:
        return 0.0
    high = 45.0 * 39.948**0.7 * (1.0 + 0.016 * math.sin(5.3 - 2.63 * math.log(39.948)))
    shape = 1.0 - 0.62 * math.exp(-kinetic / 200.0) * math.sin(10.9 * kinetic**-0.28)
    return high * shape * (1.0 - COULOMB / kinetic)


@compiled
def interaction_per_cm(pdg: int, kinetic: float) -> float:
    """Interactions in flight per cm, of π± and protons; 0 for all others."""
    if pdg in (211, -211):
        total = 0.0
        for channel in range(4):
            total += pion_cross_section(kinetic, channel)
        return total * PER_MILLIBARN
    if pdg == 2212:
        return proton_cross_section(kinetic) * PER_MILLIBARN
    return 0.0
