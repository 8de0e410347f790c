"""Cross-sections of free nucleons and pions with nucleons, in mb. Compiled."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear_kinematics import NUCLEON_MASS

# Pions, at masses of the πN system in MeV: π⁺p (as π⁻n) in total and elastic, π⁻p (as π⁺n) in total, elastic, and to
# π⁰n. Read off the compilation of the Particle Data Group (Review of Particle Physics, plots of cross-sections) and,
# where the Δ is all there is, from 8π/k² sin²δ33: to 10 %, charge exchange and elastic scattering above 1.4 GeV to 20
# %.
PION_MASSES = np.array(
    [1078.0, 1105.0, 1135.0, 1165.0, 1185.0, 1200.0, 1212.0, 1222.0, 1233.0, 1250.0, 1275.0, 1302.0, 1335.0, 1369.0,
     1434.0, 1496.0, 1520.0, 1569.0, 1615.0, 1672.0, 1726.0, 1780.0, 1881.0, 1978.0, 2070.0, 2244.0, 2424.0, 2733.0,
     3487.0]
)  # fmt: skip
LIKE_TOTAL, LIKE_ELASTIC, UNLIKE_TOTAL, UNLIKE_ELASTIC, EXCHANGE = range(5)
PION_TABLE = np.array(
    [
        [4.0, 6.4, 19.0, 82.0, 132.0, 170.0, 199.0, 207.0, 195.0, 150.0, 103.0, 73.8, 50.0, 35.0,
         22.0, 15.0, 15.0, 15.5, 19.4, 25.0, 26.0, 30.0, 40.0, 35.0, 30.0, 29.3, 30.7, 28.3, 26.0],
        [4.0, 6.4, 19.0, 82.0, 132.0, 170.0, 199.0, 207.0, 195.0, 150.0, 103.0, 73.8, 49.0, 33.0,
         18.0, 10.5, 10.0, 9.5, 10.0, 12.0, 12.0, 13.0, 17.0, 14.0, 11.0, 9.0, 8.5, 7.0, 5.0],
        [6.0, 8.8, 13.2, 26.0, 45.0, 60.0, 70.0, 72.0, 68.0, 56.0, 40.0, 30.0, 26.0, 27.0,
         30.0, 45.0, 45.0, 35.0, 40.0, 59.0, 47.0, 36.0, 36.8, 34.5, 35.0, 36.0, 33.0, 32.0, 28.0],
        [1.0, 3.0, 5.0, 9.0, 15.0, 20.0, 24.0, 24.5, 24.0, 20.0, 15.0, 11.5, 11.0, 11.5,
         12.0, 18.0, 19.0, 15.0, 15.0, 26.0, 21.0, 14.0, 12.5, 10.5, 10.0, 9.5, 8.5, 7.0, 5.0],
        [5.0, 5.8, 8.2, 17.0, 30.0, 40.0, 46.0, 47.5, 44.0, 36.0, 25.0, 18.0, 13.0, 10.0,
         7.0, 9.0, 8.0, 5.5, 5.5, 8.0, 6.0, 4.0, 3.0, 2.5, 2.0, 1.5, 1.0, 0.7, 0.3],
    ]
)  # fmt: skip


@compiled
def pion_nucleon(mass, charge, is_proton, out):
    """Fills `out` (3,) with the cross-sections of elastic scattering, charge exchange and production of further pions,
    at a mass (MeV) of the πN system; charge of the pion.

    Isospin: π⁰N is the mean of π⁺N and π⁻N in total, and turns into a charged pion as often as π⁻p makes a neutral one.
    """
    last = len(PION_MASSES) - 1
    low, high = 0, last
    while high - low > 1:
        middle = (low + high) // 2
        if PION_MASSES[middle] <= mass:
            low = middle
        else:
            high = middle
    weight = min(max((mass - PION_MASSES[low]) / (PION_MASSES[low + 1] - PION_MASSES[low]), 0.0), 1.0)
    like = _interpolate(LIKE_TOTAL, low, weight)
    like_elastic = _interpolate(LIKE_ELASTIC, low, weight)
    exchange = _interpolate(EXCHANGE, low, weight)
    unlike = _interpolate(UNLIKE_TOTAL, low, weight)
    unlike_elastic = _interpolate(UNLIKE_ELASTIC, low, weight)
    if charge == 0:
        out[1] = exchange
        out[2] = 0.5 * max(like - like_elastic + unlike - unlike_elastic - exchange, 0.0)
        out[0] = max(0.5 * (like + unlike) - out[1] - out[2], 0.0)
    elif (charge > 0) == is_proton:
        out[0], out[1], out[2] = like_elastic, 0.0, max(like - like_elastic, 0.0)
    else:
        out[0], out[1], out[2] = unlike_elastic, exchange, max(unlike - unlike_elastic - exchange, 0.0)


@compiled
def _interpolate(row, low, weight):
    return PION_TABLE[row, low] + weight * (PION_TABLE[row, low + 1] - PION_TABLE[row, low])


@compiled
def laboratory_momentum(s):
    """GeV/c: of one nucleon towards another at rest, at a square of the mass of both, MeV²."""
    energy = (s - 2.0 * NUCLEON_MASS**2) / (2.0 * NUCLEON_MASS)
    return 1e-3 * math.sqrt(max(energy * energy - NUCLEON_MASS**2, 0.0))


@compiled
def nucleon_nucleon(momentum, alike):
    """Total and elastic cross-section at a laboratory momentum of 0.1 to 5 GeV/c and, roughly, above.

    J. Cugnon, D. L'Hôte and J. Vandermeulen, Nucl. Instrum. Meth. B 111 (1996) 215, for pp (as nn) and np.
    """
    p = min(max(momentum, 0.1), 5.0)
    if alike:
        if p < 0.44:
            total = 34.0 * (p / 0.4) ** -2.104
        elif p < 0.8:
            total = 23.5 + 1000.0 * (p - 0.7) ** 4
        elif p < 1.5:
            total = 23.5 + 24.6 / (1.0 + math.exp(-(p - 1.2) / 0.1))
        else:
            total = 41.0 + 60.0 * (p - 0.9) * math.exp(-1.2 * p)
        if p < 0.8:
            return total, total
        elastic = 1250.0 / (50.0 + p) - 4.0 * (p - 1.3) ** 2 if p < 2.0 else 77.0 / (p + 1.5)
        return total, min(elastic, total)
    if p < 0.446:
        total = 6.3555 * math.exp(-3.2481 * math.log(p) - 0.377 * math.log(p) ** 2)
    elif p < 1.0:
        total = 33.0 + 196.0 * abs(p - 0.95) ** 2.5
    elif p < 2.0:
        total = 24.2 + 8.9 * p
    else:
        total = 42.0
    if p < 0.8:
        return total, total
    elastic = 31.0 / math.sqrt(p) if p < 2.0 else 77.0 / (p + 1.5)
    return total, min(elastic, total)


@compiled
def nucleon_slope(momentum, alike):
    """Slope of exp(slope t), 1/MeV², of elastic scattering at this laboratory momentum (GeV/c), and the chance that a
    neutron and a proton exchange their places (the peak backwards). Of the same source.
    """
    p = momentum
    like = 5.5 * p**8 / (7.7 + p**8) if p < 2.0 else 5.334 + 0.67 * (min(p, 5.0) - 2.0)
    if alike:
        return 1e-6 * like, 0.0
    slope = like
    if p < 0.225:
        slope = 0.0
    elif p < 0.6:
        slope = 16.53 * (p - 0.225)
    elif p < 1.6:
        slope = 7.16 - 1.63 * p
    back = 1.0 if p < 0.8 else (0.8 / p) ** 2
    return 1e-6 * slope, back / (1.0 + back)


@compiled
def pion_on_pair(kinetic):
    """σ(π⁺ d → p p) at the pion's kinetic energy, MeV: B. G. Ritchie, Phys. Rev. C 28 (1983) 926, a fit up to 500 MeV;
    constant below 5 MeV, where it rises as the pion's time near the pair.
    """
    t = min(max(kinetic, 5.0), 500.0)
    deuteron, pion = 1875.61, 139.57
    mass = math.sqrt((pion + deuteron) ** 2 + 2.0 * t * deuteron)
    return max(-1.2 + 3.5 / math.sqrt(t) + 7.4e4 / ((mass - 2136.0) ** 2 + 5600.0), 0.1)
