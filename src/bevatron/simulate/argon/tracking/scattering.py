"""Multiple Coulomb scattering of a charged particle in one step."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.tracking.directions import basis
from bevatron.simulate.argon.tracking.material import RADIATION_LENGTH

HIGHLAND = 13.6  # MeV
SMALL = 0.05  # rad: below it the sideways move is taken as half of path times angle
SERIES = 0.01  # squared angle, and sideways move, below which a series replaces roots and cosines
MAX_SIDE2 = 0.75  # of the squared sideways move in units of the path


@compiled
def sample_scattering(ux, uy, uz, path, speed_momentum):
    """One step's displacement (cm) and the new direction, as six numbers; speed_momentum is β c p in MeV.

    Gaussian angles of width 13.6 MeV / βcp √(x/X0) in each plane with the sideways move that belongs to them (PDG
    review, passage of particles through matter, eqs. 34.16 to 34.23). Highland's factor 1 + 0.038 ln(x/X0), which
    would make the result depend on how a path is cut into steps, is left at 1: right over one radiation length (14 cm),
    15 % too wide over one step of 3 mm. The tail of single large angles is left out. The chord is shorter than the path
    by θ0²/6, the mean of that.
    """
    width = HIGHLAND / speed_momentum * math.sqrt(path / RADIATION_LENGTH)
    a, b = width * np.random.normal(), width * np.random.normal()
    sideways, up = 0.5 * a, 0.5 * b
    if width > SMALL:
        sideways += width / math.sqrt(12.0) * np.random.normal()
        up += width / math.sqrt(12.0) * np.random.normal()
    side2, angle2 = sideways * sideways + up * up, a * a + b * b
    if side2 > MAX_SIDE2:
        shrink = math.sqrt(MAX_SIDE2 / side2)
        sideways, up, side2 = sideways * shrink, up * shrink, MAX_SIDE2
    if angle2 < SERIES and side2 < SERIES:
        cosine, ratio = 1.0 - angle2 / 2.0 + angle2 * angle2 / 24.0, 1.0 - angle2 / 6.0
        ahead = 1.0 - side2 / 2.0
    else:
        angle = math.sqrt(angle2)
        cosine, ratio = math.cos(angle), math.sin(angle) / angle
        ahead = math.sqrt(1.0 - side2)
    ax, ay, az, bx, by, bz = basis(ux, uy, uz)
    chord = path / (1.0 + width * width / 6.0)
    dx = chord * (ahead * ux + sideways * ax + up * bx)
    dy = chord * (ahead * uy + sideways * ay + up * by)
    dz = chord * (ahead * uz + sideways * az + up * bz)
    vx = cosine * ux + ratio * (a * ax + b * bx)
    vy = cosine * uy + ratio * (a * ay + b * by)
    vz = cosine * uz + ratio * (a * az + b * bz)
    norm = 1.5 - 0.5 * (vx * vx + vy * vy + vz * vz)  # 1 / length, which is 1 but for rounding
    return dx, dy, dz, vx * norm, vy * norm, vz * norm
