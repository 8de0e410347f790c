"""Multiple Coulomb scattering of a charged particle in one step."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.tracking.directions import basis
from bevatron.simulate.argon.tracking.material import ATOMS, ELECTRON_MASS, ELECTRON_RADIUS, FINE_STRUCTURE, Z

# χ_c² and χ_a² of Molière's theory, as written by H. A. Bethe, Phys. Rev. 89 (1953) 1256, eqs. 10 and 11 with Z (Z + 1)
# for the nucleus and its electrons: χ_c² = CHARGED path / (βcp)², χ_a² = SCREENED (1.13 + COULOMB / β²) / (cp)².
CHARGED = 4 * math.pi * ATOMS * ELECTRON_RADIUS**2 * ELECTRON_MASS**2 * Z * (Z + 1)  # MeV²/cm
SCREENED = (FINE_STRUCTURE * ELECTRON_MASS * Z ** (1 / 3) / 0.885) ** 2  # MeV²: Thomas and Fermi's radius of the atom
BORN, COULOMB = 1.13, 3.76 * (Z * FINE_STRUCTURE) ** 2
SINGLE2 = 8.0  # squared angle in χ_c² of the step, from which collisions are drawn one by one: in one step of eight
FORM_FACTOR = 2.0 / 3.0 * (3.427 / 197.3269804) ** 2  # 1/MeV²: rms charge radius of ⁴⁰Ar (Angeli and Marinova 2013)
SMALL = 0.05  # rad: below it the sideways move is taken as half of path times angle
SERIES = 0.01  # squared angle, and sideways move, below which a series replaces roots and cosines
MAX_SIDE2 = 0.75  # of the squared sideways move in units of the path


@compiled
def sample_scattering(ux, uy, uz, path, beta2, speed_momentum):
    """One step's displacement (cm) and the new direction, as six numbers; speed_momentum is β c p in MeV.

    Molière's theory (G. Molière, Z. Naturforsch. 3a (1948) 78), drawn as a mixture: collisions by less than √8 χ_c, of
    which there are thousands in 3 mm, are a Gaussian angle in each plane of the variance χ_c²/2 [ln(1 + g) - g / (1 +
    g)], g = 8 χ_c²/χ_a²; those by more are drawn from Rutherford's law, with the nucleus' form factor and Mott's
    factor. χ_c² is proportional to the path, so a path may be cut into steps as one likes. The Gaussian angle comes
    with the sideways move that belongs to it (PDG review, eqs. 34.20 to 34.23), a single one at a uniform point of the
    step. The chord is shorter than the path by θ0²/6, the mean of that.
    """
    chi2 = CHARGED * path / (speed_momentum * speed_momentum)
    g = SINGLE2 * CHARGED * path / (SCREENED * (BORN * beta2 + COULOMB))
    rest = g / (1.0 + g)
    width2 = 0.5 * chi2 * (math.log(1.0 + g) - rest)
    width = math.sqrt(max(width2, 0.0))
    a, b = width * np.random.normal(), width * np.random.normal()
    sideways, up = 0.5 * a, 0.5 * b
    if width > SMALL:
        sideways += width / math.sqrt(12.0) * np.random.normal()
        up += width / math.sqrt(12.0) * np.random.normal()
    if np.random.random() * SINGLE2 < rest:
        angle = sample_single(0.5 * SINGLE2 * chi2, g, beta2, speed_momentum)
        phi, behind = 2.0 * math.pi * np.random.random(), np.random.random()
        kick, lift = angle * math.cos(phi), angle * math.sin(phi)
        a, b, sideways, up = a + kick, b + lift, sideways + behind * kick, up + behind * lift
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


@compiled
def sample_single(least, g, beta2, speed_momentum):
    """The angle of one collision; 0 where nucleus or spin forbid it. least: the smallest 1 - cos θ, of g times that of
    the screening angle.
    """
    screening = least / g
    x = (least + screening) / (1.0 - np.random.random()) - screening
    if x >= 2.0:
        return 0.0
    form = math.exp(-FORM_FACTOR * speed_momentum * speed_momentum / beta2 * x)
    if np.random.random() > form * (1.0 - 0.5 * beta2 * x):
        return 0.0
    return math.acos(1.0 - x) if x > 1e-6 else math.sqrt(2.0 * x)
