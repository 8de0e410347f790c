"""Cross-sections of neutrons on ⁴⁰Ar, against kinetic energy, and the rates per cm that follow. Compiled.

Sources, for ⁴⁰Ar (99.6 % of natural argon):

- Total, up to 20 MeV, and capture: ENDF/B-VIII.0, material 1837 (D. A. Brown et al., Nucl. Data Sheets 148 (2018) 1),
  rounded. The total is given point by point below 100 keV, with the antiresonance at 57 keV, which ARTIE confirmed
  (arXiv:2212.05448), and the resonance at 77 keV; from there on, and capture from 1 keV on, as means over the intervals
  around the points, so that narrower windows and peaks are smoothed. Up to 5 MeV the evaluation follows the measurement
  of R. R. Winters et al., Phys. Rev. C 43 (1991) 492; from 5 to 20 MeV it is a calculation, a third above that of the
  next entry.
- Reactions up to 150 MeV, and the total from 30 to 150 MeV: the optical model with the global potential of A. J. Koning
  and J. P. Delaroche, Nucl. Phys. A 713 (2003) 231, and up to 4 MeV the compound nucleus of W. Hauser and H. Feshbach,
  Phys. Rev. 87 (1952) 366, with the ten lowest levels of ⁴⁰Ar, without correction for width fluctuations.
- (n,2n): 610 ± 100 mb at 14.8 MeV (S. Bhattacharya et al., arXiv:2512.18433); (n,p) and (n,α): 16 and 10 mb at 14.5
  MeV, to which ENDF/B-VIII.0 is adjusted. Their dependence on energy is a smooth curve from the threshold, to 30 %.
- Above 150 MeV: R. J. Glauber's multiple scattering with the nucleons' mean cross-sections (PDG), reactions brought to
  the nuclear interaction length of 85.7 cm (PDG). CAPTAIN measured a total of 0.91 ± 0.10 ± 0.09 b, mean over 100 to
  800 MeV (B. Bhandari et al., Phys. Rev. Lett. 123 (2019) 042502, arXiv:1903.05276).
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear_rates import PER_MILLIBARN

TOTAL, ELASTIC, CAPTURE, INELASTIC, TWO_NEUTRONS, PROTON_OUT, ALPHA_OUT = range(7)  # columns of RATES

# MeV, total and capture in mb.
RESONANCES = np.array(
    [
        [1e-08, 1719.0, 1050.0],
        [2.53e-08, 1315.0, 660.0],
        [1e-07, 981.7, 332.0],
        [1e-06, 752.0, 105.0],
        [1e-05, 678.2, 32.6],
        [0.0001, 640.0, 8.75],
        [0.001, 559.8, 1.41],
        [0.005, 485.4, 0.144],
        [0.01, 444.5, 2.78],
        [0.02, 370.3, 2.6],
        [0.03, 284.9, 0.0508],
        [0.04, 179.9, 0.0651],
        [0.045, 119.7, 0.0848],
        [0.05, 57.97, 0.108],
        [0.053, 24.83, 0.134],
        [0.055, 8.203, 0.159],
        [0.057, 0.4647, 0.192],
        [0.059, 13.86, 12.5],
        [0.061, 47.94, 11.6],
        [0.063, 136.2, 0.358],
        [0.065, 329.8, 0.491],
        [0.068, 1086.0, 0.805],
        [0.071, 3639.0, 1.53],
        [0.073, 8870.0, 3.01],
        [0.075, 22160.0, 5.73],
        [0.077, 35500.0, 6.88],
        [0.08, 19620.0, 3.26],
        [0.083, 9907.0, 1.2],
        [0.087, 5463.0, 0.508],
        [0.092, 3443.0, 11.4],
        [0.1, 2090.0, 3.74],
        [0.105, 1777.0, 3.1],
        [0.115, 2744.0, 0.66],
        [0.1275, 972.0, 0.044],
        [0.1425, 636.0, 1.6],
        [0.16, 556.0, 0.38],
        [0.18, 6567.0, 3.3],
        [0.2, 1545.0, 3.6],
        [0.2225, 2306.0, 1.2],
        [0.2475, 2568.0, 4.0],
        [0.275, 2565.0, 2.2],
        [0.305, 1744.0, 1.9],
        [0.34, 1505.0, 1.1],
        [0.38, 1681.0, 2.1],
        [0.425, 1472.0, 1.5],
        [0.475, 1718.0, 0.55],
        [0.53, 1201.0, 0.7],
        [0.595, 2229.0, 0.96],
        [0.665, 1882.0, 1.1],
        [0.75, 1864.0, 0.87],
        [0.85, 1910.0, 0.93],
        [0.95, 2100.0, 1.0],
        [1.05, 2489.0, 1.1],
        [1.15, 2692.0, 0.77],
        [1.25, 2863.0, 0.75],
        [1.35, 3820.0, 0.8],
        [1.45, 3238.0, 0.82],
        [1.575, 3462.0, 0.46],
        [1.75, 3627.0, 0.35],
        [1.975, 4562.0, 0.32],
        [2.25, 4526.0, 0.32],
        [2.6, 4590.0, 0.31],
        [3.05, 4671.0, 0.28],
        [3.55, 4486.0, 0.26],
        [4.15, 4590.0, 0.22],
        [5.0, 4618.0, 0.17],
        [6.0, 4422.0, 0.14],
        [7.0, 4271.0, 0.13],
        [8.25, 4106.0, 0.12],
        [10.0, 3868.0, 0.13],
        [12.0, 3376.0, 0.11],
        [14.0, 2930.0, 0.079],
        [16.0, 2682.0, 0.074],
        [18.5, 2531.0, 0.035],
        [20.0, 2470.0, 0.019],
        [30.0, 2185.0, 0.0],
        [40.0, 2245.0, 0.0],
        [60.0, 2021.0, 0.0],
        [80.0, 1670.0, 0.0],
        [100.0, 1371.0, 0.0],
        [120.0, 1153.0, 0.0],
        [150.0, 947.0, 0.0],
        [200.0, 820.0, 0.0],
        [300.0, 804.0, 0.0],
        [400.0, 785.0, 0.0],
        [500.0, 809.0, 0.0],
        [600.0, 853.0, 0.0],
        [800.0, 880.0, 0.0],
        [1000.0, 870.0, 0.0],
    ]
)

# MeV, all that is neither elastic nor capture, in mb.
REACTIONS = np.array(
    [
        [1.497, 0.0],
        [1.55, 308.0],
        [1.7, 526.0],
        [2.0, 702.0],
        [2.3, 863.0],
        [2.6, 954.0],
        [3.0, 1108.0],
        [3.5, 1196.0],
        [4.0, 1256.0],
        [5.0, 1330.0],
        [6.0, 1345.0],
        [8.0, 1347.0],
        [10.0, 1303.0],
        [12.0, 1252.0],
        [14.0, 1215.0],
        [17.0, 1176.0],
        [20.0, 1130.0],
        [30.0, 985.0],
        [40.0, 876.0],
        [60.0, 731.0],
        [80.0, 642.0],
        [100.0, 584.0],
        [120.0, 545.0],
        [150.0, 504.0],
        [200.0, 480.0],
        [300.0, 490.0],
        [500.0, 525.0],
        [1000.0, 554.0],
    ]
)

# MeV, mb: (n,2n), (n,p), (n,α), from their thresholds on.
TWO_NEUTRON_TABLE = np.array(
    [
        [10.12, 0.0],
        [11.0, 110.0],
        [12.0, 330.0],
        [13.0, 490.0],
        [14.8, 610.0],
        [16.0, 660.0],
        [18.0, 690.0],
        [20.0, 690.0],
    ]
)
PROTON_TABLE = np.array([[6.87, 0.0], [8.0, 1.0], [10.0, 6.0], [12.0, 12.0], [14.5, 16.0], [16.0, 17.0], [20.0, 18.0]])
ALPHA_TABLE = np.array([[2.56, 0.0], [6.0, 0.1], [8.0, 1.5], [10.0, 5.0], [12.0, 8.0], [14.5, 10.0], [20.0, 12.0]])

COLLIDE_FROM = 20.0  # MeV: from here on a reaction is the collision with single nucleons of the package `hadronic`
LOWEST, DECADES, POINTS_PER_DECADE = 1e-8, 12, 96  # MeV
POINTS = DECADES * POINTS_PER_DECADE + 1
LOG_LOWEST, LOG_STEP = math.log(LOWEST), math.log(10.0) / POINTS_PER_DECADE
ENERGIES = np.exp(LOG_LOWEST + LOG_STEP * np.arange(POINTS))


def cross_sections(kinetic: np.ndarray) -> np.ndarray:
    """(n, 7) in mb, by channel, at kinetic energies (n,) MeV; constant beyond the tables.

    Straight lines in energy; capture below 1 keV in the logarithms of both. From 20 MeV on, INELASTIC is all reactions.
    """
    found = np.zeros((len(kinetic), 7))
    energy, total, capture = RESONANCES.T
    found[:, TOTAL] = np.interp(kinetic, energy, total)
    slow = np.exp(np.interp(np.log(kinetic), np.log(energy), np.log(np.maximum(capture, 1e-6))))
    found[:, CAPTURE] = np.where(kinetic < 1e-3, slow, np.interp(kinetic, energy, capture))
    found[kinetic > COLLIDE_FROM, CAPTURE] = 0.0
    reactions = np.interp(kinetic, *REACTIONS.T, left=0.0)
    for channel, table in ((TWO_NEUTRONS, TWO_NEUTRON_TABLE), (PROTON_OUT, PROTON_TABLE), (ALPHA_OUT, ALPHA_TABLE)):
        found[:, channel] = np.where(kinetic < COLLIDE_FROM, np.interp(kinetic, *table.T, left=0.0), 0.0)
    found[:, INELASTIC] = reactions - found[:, TWO_NEUTRONS:].sum(1)
    found[:, ELASTIC] = np.maximum(found[:, TOTAL] - found[:, CAPTURE] - reactions, 0.0)
    found[:, TOTAL] = found[:, ELASTIC:].sum(1)
    return found


RATES = cross_sections(ENERGIES) * PER_MILLIBARN  # (points, 7), 1/cm


@compiled
def locate_neutron(kinetic: float) -> tuple[int, float]:
    """The point of RATES below an energy, and the fraction of the way to the next."""
    at = (math.log(kinetic) - LOG_LOWEST) / LOG_STEP if kinetic > LOWEST else 0.0
    point = min(int(at), POINTS - 2)
    return point, min(at - point, 1.0)


@compiled
def neutron_rate(point: int, fraction: float, channel: int) -> float:
    """A column of RATES between two points, 1/cm."""
    return RATES[point, channel] + fraction * (RATES[point + 1, channel] - RATES[point, channel])
