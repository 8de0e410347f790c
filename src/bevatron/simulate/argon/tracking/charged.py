"""Follows a charged particle through argon, step by step. Compiled."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.electromagnetic.electron_collisions import (
    emit_delta_ray,
    radiate,
    sample_bhabha,
    sample_heavy_collision,
    sample_moller,
)
from bevatron.simulate.argon.electromagnetic.straggling import sample_straggled_loss
from bevatron.simulate.argon.tracking.material import ELECTRON_MASS, LIGHT
from bevatron.simulate.argon.tracking.particles import (
    ROW_ELECTRON,
    ROW_POSITRON,
)
from bevatron.simulate.argon.tracking.scattering import sample_scattering
from bevatron.simulate.argon.tracking.space import fraction_inside, inside
from bevatron.simulate.argon.tracking.stack import (
    ESCAPED,
    EVENT,
    KINETIC,
    SEGMENTS,
    SPARE_ROWS,
    TIME,
    UX,
    UY,
    UZ,
    WAITING,
    X,
    Y,
    Z,
    put_back,
    write_segment,
)
from bevatron.simulate.argon.tracking.tables import (
    DELTA,
    LOG_STEP,
    LOSS,
    RADIATE,
    RANGE,
    RATE,
    energy_left,
    locate_energy,
)

OVER, STOPPED = -1, 5  # ends of a track, beside the processes
FRACTION_OF_RANGE = 0.2  # the longest step of a heavy particle, as it slows down
MIN_RANGE = 0.02  # cm: with less range than this a heavy particle stops in one step
MIN_KINETIC = 1e-6  # MeV: with less kinetic energy a particle is at rest
LINEAR = 0.1  # a loss of less than this fraction of the energy follows from loss and slope alone


@compiled
def follow_charged(particle, row, mass, work, tables, cuts):
    """Follows the particle until it stops, leaves or vanishes. It returns to the stack when the arrays are nearly full.

    particle (15,): a row of the stack, changed in place; row: in the tables; cuts (3,): δ-rays and photons in MeV, step
    in cm. Returns the process that the particle ends in, STOPPED or, where nothing more happens to it, OVER.
    """
    steps, energies, ranges, box = tables.steps, tables.energies[row], tables.ranges[row], work.box
    segments, ids, counts, budget = work.segments, work.ids, work.counts, work.budget
    most_waiting, most_segments = len(work.stack) - SPARE_ROWS, len(segments) - SPARE_ROWS
    while True:
        if counts[WAITING] > most_waiting or counts[SEGMENTS] > most_segments:
            put_back(particle, work)
            return OVER
        kinetic = particle[KINETIC]
        if kinetic < MIN_KINETIC:
            write_segment(segments, ids, counts, budget, particle, particle[X], particle[Y], particle[Z], 0.0, kinetic)
            return STOPPED
        point, weight = locate_energy(kinetic)
        reach = interpolate(steps, row, point, weight, RANGE)
        rate = interpolate(steps, row, point, weight, RATE)
        path = cuts[2]
        if row > ROW_POSITRON:
            path = min(path, max(FRACTION_OF_RANGE * reach, MIN_RANGE))
        stops, meets = reach <= path, False
        path = min(path, reach)
        if rate > 0.0:
            free = np.random.exponential() / rate
            if free < path:
                path, stops, meets = free, False, True
        energy = kinetic + mass
        beta2 = kinetic * (kinetic + 2.0 * mass) / (energy * energy)
        lost = kinetic
        if not stops:
            loss = interpolate(steps, row, point, weight, LOSS)
            lost = path * loss
            if lost > LINEAR * kinetic:
                lost = kinetic - min(kinetic, energy_left(energies, ranges, reach - path))
            else:  # to the second order in lost / kinetic
                lost *= 1.0 - 0.5 * path * (steps[row, point + 1, LOSS] - steps[row, point, LOSS]) / (
                    LOG_STEP * kinetic
                )
            maximum = maximum_transfer(row, kinetic, mass)
            lost = sample_straggled_loss(lost, path, beta2, min(cuts[0], maximum), maximum)
            if lost >= kinetic:
                lost, stops, meets = kinetic, True, False
        dx, dy, dz, vx, vy, vz = sample_scattering(
            particle[UX], particle[UY], particle[UZ], path, beta2, beta2 * energy
        )
        x, y, z = particle[X] + dx, particle[Y] + dy, particle[Z] + dz
        leaves = not inside(x, y, z, box)
        if leaves:
            fraction = fraction_inside(particle, x, y, z, box)
            path, lost = path * fraction, lost * fraction
            x, y, z = particle[X] + fraction * dx, particle[Y] + fraction * dy, particle[Z] + fraction * dz
        write_segment(segments, ids, counts, budget, particle, x, y, z, path, lost)
        if leaves:
            budget[counts[EVENT], ESCAPED] += kinetic - lost
            return OVER
        particle[X], particle[Y], particle[Z] = x, y, z
        particle[UX], particle[UY], particle[UZ] = vx, vy, vz
        particle[TIME] += path / (LIGHT * math.sqrt(beta2))
        particle[KINETIC] = kinetic - lost
        if stops:
            return STOPPED
        if meets:
            process = make_interaction(particle, row, mass, work, tables, cuts)
            if process > RADIATE:
                return process


@compiled
def interpolate(steps, row, point, weight, column):
    """A column of the tables' steps, interpolated."""
    return steps[row, point, column] + weight * (steps[row, point + 1, column] - steps[row, point, column])


@compiled
def maximum_transfer(row, kinetic, mass):
    """The largest energy that one collision with an electron can take, MeV."""
    if row == ROW_ELECTRON:
        return 0.5 * kinetic
    if row == ROW_POSITRON:
        return kinetic
    gamma, ratio = 1.0 + kinetic / mass, ELECTRON_MASS / mass
    return 2.0 * ELECTRON_MASS * (gamma * gamma - 1.0) / (1.0 + 2.0 * gamma * ratio + ratio * ratio)


@compiled
def make_interaction(particle, row, mass, work, tables, cuts):
    """Samples a process by its rate at the particle's energy, and returns it. δ-rays and photons are made here; the
    others end the particle, and are left to the caller.
    """
    kinetic = particle[KINETIC]
    point, weight = locate_energy(kinetic)
    rates = tables.rates
    total = 0.0
    for process in range(5):
        total += rates[row, process, point] + weight * (rates[row, process, point + 1] - rates[row, process, point])
    remaining, chosen = np.random.random() * total, -1
    for process in range(5):
        rate = rates[row, process, point] + weight * (rates[row, process, point + 1] - rates[row, process, point])
        if rate > 0.0 and remaining >= 0.0:
            chosen = process
        remaining -= rate
    if chosen == DELTA:
        maximum = maximum_transfer(row, kinetic, mass)
        if maximum > cuts[0]:
            if row == ROW_ELECTRON:
                transfer = sample_moller(kinetic, cuts[0])
            elif row == ROW_POSITRON:
                transfer = sample_bhabha(kinetic, cuts[0])
            else:
                transfer = sample_heavy_collision(kinetic, mass, maximum, cuts[0])
            emit_delta_ray(particle, mass, transfer, work.stack, work.counts)
    elif chosen == RADIATE and kinetic > cuts[1]:
        radiate(particle, cuts[1], work.stack, work.counts)
    return chosen
