"""Samples one δ-ray, bremsstrahlung photon or annihilation. Compiled; energies in MeV.

Sampling as in the Geant4 Physics Reference Manual (Møller-Bhabha, Bethe-Heitler, two-photon annihilation).
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.electromagnetic.electrons import bhabha_terms
from bevatron.simulate.argon.electromagnetic.screening import bremsstrahlung_terms
from bevatron.simulate.argon.tracking.directions import rotate, sample_direction
from bevatron.simulate.argon.tracking.material import ELECTRON_MASS
from bevatron.simulate.argon.tracking.particles import ELECTRON, PHOTON
from bevatron.simulate.argon.tracking.stack import EVENT, KINETIC, MASS, UX, UY, UZ, push


@compiled
def sample_moller(kinetic, cut):
    """The energy that an electron passes to the slower of the two, from `cut` to half."""
    gamma = 1.0 + kinetic / ELECTRON_MASS
    g, minimum, half = (2.0 * gamma - 1.0) / (gamma * gamma), cut / kinetic, 0.5
    maximum = 1.0 - g * half + half * half * (1.0 - g + (1.0 - g * half) / (half * half))
    while True:
        u = np.random.random()
        x = minimum * half / (minimum * (1.0 - u) + half * u)
        y = 1.0 - x
        if np.random.random() * maximum < 1.0 - g * x + x * x * (1.0 - g + (1.0 - g * y) / (y * y)):
            return x * kinetic


@compiled
def sample_bhabha(kinetic, cut):
    """The energy that a positron passes to an electron, from `cut` to all."""
    gamma = 1.0 + kinetic / ELECTRON_MASS
    beta2, minimum = 1.0 - 1.0 / (gamma * gamma), cut / kinetic
    b1, b2, b3, b4 = bhabha_terms(gamma)
    maximum = 1.0 + beta2 * (b4 - b3 * minimum**3 + b2 - b1 * minimum)
    while True:
        u = np.random.random()
        x = minimum / (minimum * (1.0 - u) + u)
        if np.random.random() * maximum < 1.0 + beta2 * x * (-b1 + x * (b2 + x * (-b3 + x * b4))):
            return x * kinetic


@compiled
def sample_heavy_collision(kinetic, mass, maximum, cut):
    """The energy that a heavy particle passes to an electron, from `cut` to `maximum`."""
    energy = kinetic + mass
    beta2 = kinetic * (kinetic + 2.0 * mass) / (energy * energy)
    top = 1.0 + 0.5 * (maximum / energy) ** 2
    while True:
        u = np.random.random()
        transfer = cut * maximum / (cut * (1.0 - u) + maximum * u)
        if np.random.random() * top < 1.0 - beta2 * transfer / maximum + 0.5 * (transfer / energy) ** 2:
            return transfer


@compiled
def emit_delta_ray(particle, mass, transfer, stack, counts):
    """A δ-ray of energy `transfer` leaves the particle; both directions follow from momentum. A heavy
    particle's own, which moves by less than m_e / mass, stays.
    """
    kinetic = particle[KINETIC]
    energy, momentum = kinetic + mass, math.sqrt(kinetic * (kinetic + 2.0 * mass))
    cosine = min(
        1.0, transfer * (energy + ELECTRON_MASS) / (momentum * math.sqrt(transfer * (transfer + 2 * ELECTRON_MASS)))
    )
    phi = 2.0 * math.pi * np.random.random()
    ux, uy, uz = particle[UX], particle[UY], particle[UZ]
    vx, vy, vz = rotate(ux, uy, uz, cosine, phi)
    push(stack, counts, particle, ELECTRON, transfer, vx, vy, vz)
    particle[KINETIC] = kinetic - transfer
    if mass == ELECTRON_MASS:
        remaining = max(kinetic - transfer, 1e-12)
        cosine = min(1.0, math.sqrt(remaining * (kinetic + 2 * mass) / (kinetic * (remaining + 2 * mass))))
        particle[UX], particle[UY], particle[UZ] = rotate(ux, uy, uz, cosine, phi + math.pi)


@compiled
def sample_opening_angle(energy):
    """The angle of a radiated photon, or of one of a pair, about m/E (Urbán's fit to Tsai's distribution)."""
    a = 0.625 if np.random.random() < 0.25 else 1.875
    return min(math.pi, -math.log(np.random.random() * np.random.random()) / a * ELECTRON_MASS / energy)


@compiled
def radiate(particle, cut, stack, counts):
    """A photon above `cut` leaves; the particle's direction stays."""
    kinetic = particle[KINETIC]
    maximum = bremsstrahlung_terms(0.0, kinetic)
    while True:
        photon = cut * math.exp(np.random.random() * math.log(kinetic / cut))
        if np.random.random() * maximum < bremsstrahlung_terms(photon, kinetic):
            break
    cosine = math.cos(sample_opening_angle(kinetic + ELECTRON_MASS))
    phi = 2.0 * math.pi * np.random.random()
    vx, vy, vz = rotate(particle[UX], particle[UY], particle[UZ], cosine, phi)
    push(stack, counts, particle, PHOTON, photon, vx, vy, vz)
    particle[KINETIC] = kinetic - photon


@compiled
def annihilate(particle, work):
    """A positron in flight turns, with an electron, into two photons."""
    tau = particle[KINETIC] / ELECTRON_MASS
    gamma, root = tau + 1.0, math.sqrt(tau * (tau + 2.0))
    half = 0.5 * math.sqrt(tau / (tau + 2.0))
    minimum, maximum = 0.5 - half, 0.5 + half
    while True:
        x = minimum * math.exp(np.random.random() * math.log(maximum / minimum))
        if np.random.random() < 1.0 - x + (2.0 * gamma - 1.0 / x) / (gamma + 1.0) ** 2:
            break
    total = particle[KINETIC] + 2.0 * ELECTRON_MASS
    first, momentum = x * total, root * ELECTRON_MASS
    cosine = max(-1.0, min(1.0, (x * (tau + 2.0) - 1.0) / (x * root)))
    ux, uy, uz = particle[UX], particle[UY], particle[UZ]
    vx, vy, vz = rotate(ux, uy, uz, cosine, 2.0 * math.pi * np.random.random())
    push(work.stack, work.counts, particle, PHOTON, first, vx, vy, vz)
    wx, wy, wz = momentum * ux - first * vx, momentum * uy - first * vy, momentum * uz - first * vz
    norm = 1.0 / math.sqrt(wx * wx + wy * wy + wz * wz)
    push(work.stack, work.counts, particle, PHOTON, total - first, wx * norm, wy * norm, wz * norm)
    work.budget[work.counts[EVENT], MASS] -= 2.0 * ELECTRON_MASS


@compiled
def annihilate_at_rest(particle, work):
    """Two photons of 511 keV, back to back."""
    ux, uy, uz = sample_direction()
    push(work.stack, work.counts, particle, PHOTON, ELECTRON_MASS, ux, uy, uz)
    push(work.stack, work.counts, particle, PHOTON, ELECTRON_MASS, -ux, -uy, -uz)
    work.budget[work.counts[EVENT], MASS] -= 2.0 * ELECTRON_MASS
