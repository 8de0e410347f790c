"""Samples one Compton scattering, pair or photo-electron. Compiled; energies in MeV.

Sampling as in the Geant4 Physics Reference Manual ("Compton scattering", "Gamma conversion").
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.electromagnetic.electron_collisions import sample_opening_angle
from bevatron.simulate.argon.electromagnetic.screening import pair_functions
from bevatron.simulate.argon.tracking.directions import rotate, sample_direction
from bevatron.simulate.argon.tracking.material import ELECTRON_MASS, SCREENING
from bevatron.simulate.argon.tracking.particles import ELECTRON
from bevatron.simulate.argon.tracking.stack import EVENT, KINETIC, MASS, UX, UY, UZ, push

UNIFORM_BELOW = 2.0  # MeV: the pair's energy is shared evenly


@compiled
def scatter_compton(particle, stack, counts):
    """The photon goes on with less energy; an electron takes the other part, and the momentum."""
    photon = particle[KINETIC]
    a = photon / ELECTRON_MASS
    minimum = 1.0 / (1.0 + 2.0 * a)
    low, high = -math.log(minimum), 0.5 * (1.0 - minimum * minimum)
    while True:
        if np.random.random() * (low + high) < low:
            x = math.exp(-low * np.random.random())
        else:
            x = math.sqrt(minimum * minimum + (1.0 - minimum * minimum) * np.random.random())
        t = (1.0 - x) / (a * x)  # 1 - cos
        if np.random.random() < 1.0 - x * t * (2.0 - t) / (1.0 + x * x):
            break
    ux, uy, uz = particle[UX], particle[UY], particle[UZ]
    vx, vy, vz = rotate(ux, uy, uz, max(-1.0, 1.0 - t), 2.0 * math.pi * np.random.random())
    transfer = photon * (1.0 - x)
    wx, wy, wz = ux - x * vx, uy - x * vy, uz - x * vz
    norm = math.sqrt(wx * wx + wy * wy + wz * wz)
    if norm > 0.0:
        push(stack, counts, particle, ELECTRON, transfer, wx / norm, wy / norm, wz / norm)
        particle[KINETIC] = photon - transfer
        particle[UX], particle[UY], particle[UZ] = vx, vy, vz


@compiled
def sample_pair_fraction(photon):
    """The fraction of the photon's energy, rest energy included, of one of the two, up to half."""
    minimum = ELECTRON_MASS / photon
    if photon < UNIFORM_BELOW:
        return minimum + (0.5 - minimum) * np.random.random()
    scale = SCREENING * minimum  # δ = scale / (x (1 - x)) is least in the middle
    first, second = pair_functions(4.0 * scale, photon)
    span = 0.5 - minimum
    edge, middle = max(first, 0.0) * span * span, 1.5 * max(second, 0.0)
    while True:
        if np.random.random() * (edge + middle) < edge:
            x = 0.5 - span * np.random.random() ** (1.0 / 3.0)
            here = pair_functions(scale / (x * (1.0 - x)), photon)[0] / first
        else:
            x = minimum + span * np.random.random()
            here = pair_functions(scale / (x * (1.0 - x)), photon)[1] / second
        if np.random.random() < here:
            return x


@compiled
def make_pair(particle, work):
    """Replaces the photon by an electron and a positron."""
    photon = particle[KINETIC]
    energy = sample_pair_fraction(photon) * photon
    phi = 2.0 * math.pi * np.random.random()
    sign = 1 if np.random.random() < 0.5 else -1
    kinetic = max(energy - ELECTRON_MASS, 0.0)
    for side in range(2):
        cosine = math.cos(sample_opening_angle(kinetic + ELECTRON_MASS))
        vx, vy, vz = rotate(particle[UX], particle[UY], particle[UZ], cosine, phi + side * math.pi)
        push(work.stack, work.counts, particle, sign * ELECTRON, kinetic, vx, vy, vz)
        kinetic, sign = photon - 2.0 * ELECTRON_MASS - kinetic, -sign
    work.budget[work.counts[EVENT], MASS] += 2.0 * ELECTRON_MASS


@compiled
def emit_photoelectron(particle, stack, counts):
    """An electron with all of the photon's energy (the shell's 3 keV are left near it) and any direction."""
    ux, uy, uz = sample_direction()
    push(stack, counts, particle, ELECTRON, particle[KINETIC], ux, uy, uz)
