"""Cross-sections of pions and protons on argon nuclei, against kinetic energy. Compiled."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled

PER_MILLIBARN = 1.396 * 6.02214076e23 / 39.948 * 1e-27  # nuclei/cm³ times cm²/mb: 1/cm for one millibarn
QUASI_ELASTIC, ABSORPTION, CHARGE_EXCHANGE, PRODUCTION = 0, 1, 2, 3

# Pions, in mb on argon. Absorption at 118, 162 and 239 MeV as measured on argon, 393 ± 21, 366 ± 22 and 282 ± 21 mb
# (LADS: D. C. Rowntree, PhD thesis, MIT (1995), abstract). Otherwise up to 315 MeV the measurements on carbon and iron
# of D. Ashery et al., Phys. Rev. C 23 (1981) 2173 (absorption, inelastic scattering, charge exchange), brought to A =
# 40 with A^(2/3) and rounded; above, the reaction cross-section falls to the 560 mb of 1 GeV, where producing further
# pions takes over. π⁺ and π⁻ are taken as equal. To 20 %, at low and at high energy to 30 %.
PION_ENERGY = np.array([0.0, 30.0, 50.0, 85.0, 125.0, 165.0, 205.0, 245.0, 315.0, 400.0, 500.0, 700.0, 1000.0, 2000.0])
PION_TABLE = np.array(
    [
        [10.0, 40.0, 90.0, 200.0, 340.0, 460.0, 490.0, 470.0, 410.0, 350.0, 310.0, 260.0, 200.0, 180.0],
        [80.0, 150.0, 220.0, 320.0, 392.0, 365.0, 320.0, 276.0, 170.0, 100.0, 70.0, 50.0, 30.0, 20.0],
        [10.0, 30.0, 40.0, 70.0, 100.0, 115.0, 115.0, 100.0, 80.0, 70.0, 60.0, 45.0, 35.0, 30.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 10.0, 50.0, 110.0, 230.0, 300.0, 320.0],
    ]
)
# Elastic scattering off the whole nucleus, mb. Pions: total less inelastic cross-section on calcium (A = 40 as well),
# mean of π⁺ and π⁻, as evaluated by V. S. Barashenkov, Cross-sections of interactions of particles and nuclei with
# nuclei (JINR, Dubna, 1993). Nucleons: Glauber's optical limit with the nucleus and the free cross-sections of this
# package and the ratios of real to imaginary amplitude of L. Ray, Phys. Rev. C 20 (1979) 1857; to 20 %, below 100 MeV
# to 50 %.
ELASTIC_PION_ENERGY = np.array(
    [20.0, 40.0, 60.0, 80.0, 100.0, 160.0, 200.0, 250.0, 300.0, 350.0, 400.0, 500.0, 700.0, 1000.0, 2000.0, 10000.0]
)
ELASTIC_PION = np.array(
    [222.0, 280.0, 455.0, 525.0, 592.0, 595.0, 585.0, 545.0, 528.0, 440.0, 380.0, 322.0, 299.0, 306.0, 320.0, 217.0]
)
ELASTIC_NUCLEON_ENERGY = np.array(
    [50.0, 75.0, 100.0, 150.0, 200.0, 325.0, 425.0, 550.0, 650.0, 800.0, 1000.0, 2000.0, 10000.0]
)
ELASTIC_NUCLEON = np.array([740.0, 660.0, 610.0, 525.0, 400.0, 230.0, 240.0, 245.0, 270.0, 290.0, 315.0, 330.0, 310.0])
COULOMB = 5.0  # MeV: height of argon's barrier for protons


@compiled
def interpolate(x, xs, ys):
    """On straight lines through the points, and constant outside of them.

    numpy.interp by hand: numba takes two seconds to compile it.
    """
    last = len(xs) - 1
    if x <= xs[0]:
        return ys[0]
    if x >= xs[last]:
        return ys[last]
    at = 0
    while xs[at + 1] <= x:
        at += 1
    slope = (ys[at + 1] - ys[at]) / (xs[at + 1] - xs[at])
    return slope * (x - xs[at]) + ys[at]


@compiled
def pion_cross_section(kinetic: float, channel: int) -> float:
    """In mb, of one of the four channels."""
    return interpolate(kinetic, PION_ENERGY, PION_TABLE[channel])


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
    """Reactions in flight per cm, of π± and protons; 0 for all others."""
    if pdg in (211, -211):
        total = 0.0
        for channel in range(4):
            total += pion_cross_section(kinetic, channel)
        return total * PER_MILLIBARN
    if pdg == 2212:
        return proton_cross_section(kinetic) * PER_MILLIBARN
    return 0.0


@compiled
def elastic_per_cm(pdg: int, kinetic: float) -> float:
    """Elastic scatterings off nuclei per cm, of π± and nucleons, beside those by their charge; 0 for all others."""
    if pdg in (211, -211):
        return interpolate(kinetic, ELASTIC_PION_ENERGY, ELASTIC_PION) * PER_MILLIBARN
    if pdg in (2212, 2112) and kinetic > COULOMB:
        barrier = COULOMB if pdg == 2212 else 0.0
        free = interpolate(kinetic, ELASTIC_NUCLEON_ENERGY, ELASTIC_NUCLEON)
        return free * (1.0 - barrier / kinetic) * PER_MILLIBARN
    return 0.0
