"""The γ cascade after ⁴⁰Ar(n,γ)⁴¹Ar: levels of ⁴¹Ar and how they decay. Compiled; MeV.

Level energies and intensities per 100 captures: C. D. Nesaraja and E. A. McCutchan, Nucl. Data Sheets 133 (2016) 1,
after R. Hardell and C. Beer, Phys. Scr. 1 (1970) 85, main lines. The 4.745 MeV line goes to the level at 1.354 MeV,
which feeds that at 0.167 MeV. What a level emits is normalised to one, so that each cascade has the whole energy.
"""

import numpy as np

from bevatron.compute.numerics.compiled import compiled

SEPARATION = 6.0989  # MeV, of the neutron from ⁴¹Ar
CAPTURING, GROUND = 0, 12
LEVELS = np.array(
    [SEPARATION, 4.2700, 3.9682, 3.3268, 3.0096, 2.9487, 2.7334, 2.3981, 1.3539, 1.0347, 0.5161, 0.1673, 0.0]
)
# From level, to level, intensity; in the order of the first.
TRANSITIONS = np.array(
    [
        [0, 10, 10.79],
        [0, 9, 0.242],
        [0, 8, 51.2],
        [0, 7, 9.11],
        [0, 6, 3.91],
        [0, 5, 3.72],
        [0, 4, 1.02],
        [0, 3, 8.00],
        [0, 2, 4.09],
        [0, 1, 0.93],
        [1, 11, 0.93],
        [2, 10, 1.86],
        [2, 8, 2.7],
        [3, 10, 5.49],
        [3, 9, 0.186],
        [3, 8, 0.502],
        [4, 11, 0.818],
        [5, 11, 1.58],
        [5, 10, 0.781],
        [6, 11, 2.6],
        [7, 11, 0.27],
        [7, 10, 1.3],
        [7, 8, 5.58],
        [8, 12, 2.14],
        [8, 11, 48.5],
        [8, 10, 8.93],
        [9, 11, 1.02],
        [10, 12, 23.5],
        [10, 11, 6.14],
        [11, 12, 74.0],
    ]
)
MAX_PHOTONS = 12


@compiled
def sample_next_level(level):
    """The level to which `level` decays."""
    total = 0.0
    for row in range(len(TRANSITIONS)):
        if TRANSITIONS[row, 0] == level:
            total += TRANSITIONS[row, 2]
    remaining, chosen = np.random.random() * total, GROUND
    for row in range(len(TRANSITIONS)):
        if TRANSITIONS[row, 0] == level and remaining >= 0.0:
            chosen = int(TRANSITIONS[row, 1])
            remaining -= TRANSITIONS[row, 2]
    return chosen


@compiled
def sample_cascade(kinetic, photons):
    """Fills `photons` with the energies of one cascade and returns their number. The neutron's kinetic energy is added
    to the first photon, as the recoil of some hundred eV is neglected.
    """
    n, level = 0, CAPTURING
    while level != GROUND and n < MAX_PHOTONS:
        below = sample_next_level(level)
        photons[n] = LEVELS[level] - LEVELS[below] + (kinetic if n == 0 else 0.0)
        level = below
        n += 1
    return n
