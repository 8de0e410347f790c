"""Follows a neutron through argon, collision by collision. Compiled.

Elastic scattering falls off with momentum transfer as exp(-B q²), B = 5.5 fm², isotropic at low energies: its mean
cosine is that of the optical model of Koning and Delaroche within 0.1 from 10 to 200 MeV. Recoiling nuclei with less
than RECOIL_CUT leave no segment. Neutrons are captured after 0.3 ms on average, most at some eV, and are followed for
FOLLOWED at most, one drift time across MicroBooNE; down to the mean energy of argon at 87 K, at which they then stay.
"""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear import interact
from bevatron.simulate.argon.neutral.capture_cascade import MAX_PHOTONS, SEPARATION, sample_cascade
from bevatron.simulate.argon.neutral.neutron_breakup import TARGET_MASS, break_up, leave_recoil
from bevatron.simulate.argon.neutral.neutron_rates import (
    ALPHA_OUT,
    CAPTURE,
    COLLIDE_FROM,
    ELASTIC,
    INELASTIC,
    TOTAL,
    locate_neutron,
    neutron_rate,
)
from bevatron.simulate.argon.tracking.directions import rotate, sample_direction
from bevatron.simulate.argon.tracking.material import LIGHT
from bevatron.simulate.argon.tracking.particles import NEUTRON, NEUTRON_MASS, PHOTON
from bevatron.simulate.argon.tracking.space import inside
from bevatron.simulate.argon.tracking.stack import (
    BINDING,
    ESCAPED,
    EVENT,
    KINETIC,
    MASS,
    NEUTRAL,
    PATH,
    TIME,
    UX,
    UY,
    UZ,
    X,
    Y,
    Z,
    needs_growth,
    push,
    put_back,
)

FOLLOWED = 2.3e6  # ns, of each neutron from where it was made
THERMAL = 1.12e-8  # MeV: 3/2 kT at 87 K
SLOPE = 5.5 / 197.327**2  # 1/MeV²


@compiled
def follow_neutron(particle, work):
    """Follows the neutron until it reacts, is captured, leaves the box, or its time is over. It returns to the stack
    when the arrays are nearly full. Its PATH is the time since it was made, ns.
    """
    while True:
        if needs_growth(work):
            put_back(particle, work)
            return
        kinetic = particle[KINETIC]
        budget = work.budget[work.counts[EVENT]]
        point, fraction = locate_neutron(kinetic)
        total = neutron_rate(point, fraction, TOTAL)
        path = np.random.exponential() / total
        speed = LIGHT * math.sqrt(kinetic * (kinetic + 2.0 * NEUTRON_MASS)) / (kinetic + NEUTRON_MASS)
        x, y, z = (
            particle[X] + path * particle[UX],
            particle[Y] + path * particle[UY],
            particle[Z] + path * particle[UZ],
        )
        if not inside(x, y, z, work.box):
            budget[ESCAPED] += kinetic
            return
        elapsed = path / speed if speed > 0.0 else FOLLOWED
        particle[PATH] += elapsed
        if particle[PATH] >= FOLLOWED:
            budget[NEUTRAL] += kinetic
            return
        particle[X], particle[Y], particle[Z] = x, y, z
        particle[TIME] += elapsed
        remaining = np.random.random() * total - neutron_rate(point, fraction, ELASTIC)
        if remaining < 0.0:
            scatter_elastically(particle, work)
            continue
        remaining -= neutron_rate(point, fraction, CAPTURE)
        if remaining < 0.0:
            capture_neutron(particle, work)
        elif kinetic >= COLLIDE_FROM:
            collide(particle, work)
        else:
            channel = INELASTIC
            while channel < ALPHA_OUT and remaining >= neutron_rate(point, fraction, channel):
                remaining -= neutron_rate(point, fraction, channel)
                channel += 1
            break_up(particle, channel, work)
        return


@compiled
def scatter_elastically(particle, work):
    """The neutron goes on with what the nucleus, at rest before, leaves it; relativistic and exact."""
    kinetic = particle[KINETIC]
    if kinetic <= THERMAL:
        particle[UX], particle[UY], particle[UZ] = sample_direction()
        return
    momentum2 = kinetic * (kinetic + 2.0 * NEUTRON_MASS)
    s = (NEUTRON_MASS + TARGET_MASS) ** 2 + 2.0 * TARGET_MASS * kinetic
    central2 = momentum2 * TARGET_MASS**2 / s  # squared momentum in the centre of mass
    reach = 2.0 * SLOPE * central2
    if reach < 1e-3:
        deficit = 2.0 * np.random.random()  # 1 - cos
    else:
        deficit = -math.log(1.0 - np.random.random() * (1.0 - math.exp(-2.0 * reach))) / reach
    recoil = central2 * deficit / TARGET_MASS
    left = kinetic - recoil
    after2, nucleus2 = left * (left + 2.0 * NEUTRON_MASS), recoil * (recoil + 2.0 * TARGET_MASS)
    cosine = (momentum2 + after2 - nucleus2) / (2.0 * math.sqrt(momentum2 * after2))
    phi = 2.0 * math.pi * np.random.random()
    vx, vy, vz = rotate(particle[UX], particle[UY], particle[UZ], max(-1.0, min(1.0, cosine)), phi)
    before, after = math.sqrt(momentum2), math.sqrt(after2)
    wx, wy, wz = (
        before * particle[UX] - after * vx,
        before * particle[UY] - after * vy,
        before * particle[UZ] - after * vz,
    )
    norm = 1.0 / math.sqrt(max(wx * wx + wy * wy + wz * wz, 1e-300))
    leave_recoil(particle, recoil, wx * norm, wy * norm, wz * norm, work)
    particle[KINETIC] = left
    particle[UX], particle[UY], particle[UZ] = vx, vy, vz


@compiled
def capture_neutron(particle, work):
    """The neutron's energy, and that of its separation from ⁴¹Ar, become photons."""
    photons = np.empty(MAX_PHOTONS)
    n = sample_cascade(particle[KINETIC], photons)
    for k in range(n):
        ux, uy, uz = sample_direction()
        push(work.stack, work.counts, particle, PHOTON, photons[k], ux, uy, uz)
    work.budget[work.counts[EVENT], BINDING] -= SEPARATION


@compiled
def collide(particle, work):
    """The collision of a fast neutron with the nucleons of a nucleus."""
    direction, out = np.empty(3), work.fragments
    direction[0], direction[1], direction[2] = particle[UX], particle[UY], particle[UZ]
    n, binding, mass = interact(NEUTRON, particle[KINETIC], direction, out)
    for i in range(n):
        push(work.stack, work.counts, particle, int(out[i, 0]), out[i, 1], out[i, 2], out[i, 3], out[i, 4])
    work.budget[work.counts[EVENT], BINDING] += binding
    work.budget[work.counts[EVENT], MASS] += mass
