"""The intranuclear cascade: pions and nucleons on straight lines through a nucleus, hitting its nucleons. Compiled.

R. Serber, Phys. Rev. 72 (1947) 1114, as done since N. Metropolis et al., Phys. Rev. 110 (1958) 185. Particles collide
with nucleons of the local Fermi sphere as often as free ones would; a collision that would leave a nucleon inside that
sphere is forbidden (Pauli). Left out: refraction at the well's walls, the pion's potential, formation times, that the
nucleus thins out where nucleons have left, and the velocities of the struck nucleons in the rate of collisions. Pions
vanish on pairs in the square of the density. Light nuclei break up in their first collision.
"""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.collisions import (
    COLLIDES,
    LEAVES,
    break_up,
    try_nucleon,
    try_pion,
)
from bevatron.simulate.argon.hadronic.nucleus import CENTRAL, DENSITY, shell
from bevatron.simulate.argon.hadronic.walk import (
    CHARGE,
    COLUMNS,
    KINETIC,
    ROWS,
    SIZE,
    UX,
    X,
    Y,
    Z,
    code_of,
    separation,
)

PER_FM = 0.1  # fm² of a millibarn
NUCLEON_CAP, PION_CAP = 120.0, 300.0  # mb: the largest cross-sections; nearly all slower collisions are forbidden
LIGHT_NUCLEUS = 40.0  # mb for each nucleon to the power 2/3: what breaks a light nucleus up
# Fractions of the nucleons above FAST (MeV) that take a second, or a second and a third one along from the surface.
# That is where half of the deuterons of pions of 165 MeV come from (G. M. Huber et al., arXiv:nucl-ex/0009010); the
# fractions, about those of inclusive spectra of some ten MeV, are assumed, to a factor of 1.5.
PICK_UP, PICK_TWO, FAST = 0.10, 0.02, 25.0
MOST_COLLISIONS = 24  # so that no more nucleons leave than there are


@compiled
def run_cascade(walk, waiting, out):
    """Follows the `waiting` rows of `walk` and all that they hit; fills `out` (64, 5) as `interact` does. Returns the
    number of its rows, the number of collisions, and the rest energy of pions that was made, MeV.
    """
    n, collisions, made = 0, 0, 0.0
    row = np.empty(COLUMNS)
    while waiting > 0:
        waiting -= 1
        for column in range(COLUMNS):
            row[column] = walk[waiting, column]
        collides = collisions < MOST_COLLISIONS and n + waiting < ROWS - 8
        end, waiting, mass = follow(row, walk, waiting, collides)
        if end == LEAVES:
            pick_up(row)
            out[n, 0], out[n, 1] = code_of(int(row[SIZE]), int(row[CHARGE])), row[KINETIC]
            for k in range(3):
                out[n, 2 + k] = row[UX + k]
            n += 1
        else:
            collisions += 1
            made += mass
    return n, collisions, made


@compiled
def pick_up(row):
    """A fast nucleon that leaves may become a deuteron, triton or ³He, and pays for the separation of what it takes
    along and not for its momentum. In place.
    """
    if row[SIZE] != 1 or row[KINETIC] < FAST:
        return
    draw = np.random.random()
    if draw < PICK_UP + PICK_TWO:
        size = 2 if draw < PICK_UP else 3
        row[KINETIC] -= separation(size) - separation(1)
        row[SIZE] = size
        if size == 2:
            row[CHARGE] = 1
        else:
            row[CHARGE] = 1 if row[CHARGE] == 0 or np.random.random() < 0.5 else 2


@compiled
def follow(row, walk, waiting, collides):
    """A particle flies until it leaves the nucleus or collides; what comes of a collision joins the walk. Returns which
    of the two, the number of waiting rows, and the rest energy of pions that was made.
    """
    size = int(row[SIZE])
    cap = PION_CAP if size == 0 else NUCLEON_CAP
    target, sections = np.empty(4), np.empty(3)
    while True:
        path = np.random.exponential() / (CENTRAL * PER_FM * cap)
        for k in range(3):
            row[X + k] += path * row[UX + k]
        bin_ = shell(row[X], row[Y], row[Z])
        if bin_ < 0 or not collides:
            return LEAVES, waiting, 0.0
        density = DENSITY[bin_] / CENTRAL
        remaining = np.random.random() * cap / density
        if remaining > cap:
            continue
        if size == 0:
            end, waiting, mass = try_pion(row, bin_, density, remaining, walk, waiting, target, sections)
        elif size == 1:
            end, waiting, mass = try_nucleon(row, bin_, remaining, walk, waiting, target)
        elif remaining < LIGHT_NUCLEUS * size ** (2.0 / 3.0):
            return COLLIDES, break_up(row, bin_, walk, waiting), 0.0
        else:
            continue
        if end == COLLIDES:
            return end, waiting, mass
