"""What nuclei do with pions, protons and stopped muons, brought into the event's stack and budget. Compiled."""

import math

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.elastic import is_elastic, sample_elastic
from bevatron.simulate.argon.hadronic.nuclear import capture_muon, capture_pion, interact
from bevatron.simulate.argon.hadronic.nuclear_rates import elastic_per_cm, interaction_per_cm
from bevatron.simulate.argon.tracking.directions import rotate
from bevatron.simulate.argon.tracking.particles import NUCLEON, PION_MASS, PROTON, PROTON_MASS, ROW_PROTON
from bevatron.simulate.argon.tracking.space import inside
from bevatron.simulate.argon.tracking.stack import (
    BINDING,
    ESCAPED,
    EVENT,
    KINETIC,
    MASS,
    NEUTRAL,
    PDG,
    UX,
    UY,
    UZ,
    X,
    Y,
    Z,
    push,
    put_back,
    write_segment,
)
from bevatron.simulate.argon.tracking.tables import RANGE, energy_left, locate_energy
from bevatron.simulate.argon.tracking.track_end import MUON_CAPTURE, PION_CAPTURE

STEP, MOST_PIECES = 0.3, 40  # cm, and number of segments, of a stopping nucleus


@compiled
def react(particle, process, work):
    """A pion or proton meets a nucleus (NUCLEAR), or a negative one at rest is captured (PION_CAPTURE, MUON_CAPTURE):
    what comes out goes onto the stack, and the rest into the budget. After elastic scattering it is the particle
    itself.
    """
    neutral, out = 0.0, work.fragments
    if process == PION_CAPTURE:
        n, binding, mass = capture_pion(out)
    elif process == MUON_CAPTURE:
        n, neutral, binding, mass = capture_muon(out)
    else:
        pdg, kinetic = int(particle[PDG]), particle[KINETIC]
        if is_elastic(elastic_per_cm(pdg, kinetic), interaction_per_cm(pdg, kinetic)):
            scatter_elastically(particle, work)
            return
        direction = np.empty(3)
        direction[0], direction[1], direction[2] = particle[UX], particle[UY], particle[UZ]
        n, binding, mass = interact(pdg, kinetic, direction, out)
    for i in range(n):
        pdg = int(out[i, 0])
        push(work.stack, work.counts, particle, pdg, out[i, 1], out[i, 2], out[i, 3], out[i, 4])
    event = work.counts[EVENT]
    work.budget[event, NEUTRAL] += neutral
    work.budget[event, BINDING] += binding
    work.budget[event, MASS] += mass


@compiled
def scatter_elastically(particle, work):
    """The particle goes on under its own track, in another direction. The nucleus keeps what it takes, 0.1 MeV on
    average.
    """
    mass = PROTON_MASS if int(particle[PDG]) == PROTON else PION_MASS
    recoil, cosine = sample_elastic(mass, particle[KINETIC])
    phi = 2.0 * math.pi * np.random.random()
    ux, uy, uz = rotate(particle[UX], particle[UY], particle[UZ], cosine, phi)
    particle[UX], particle[UY], particle[UZ] = ux, uy, uz
    particle[KINETIC] -= recoil
    work.budget[work.counts[EVENT], BINDING] += recoil
    put_back(particle, work)


@compiled
def stop_nucleus(particle, work, tables):
    """A light nucleus leaves all its energy along its range, which is that of a proton of the same speed by mass and
    charge squared, in pieces of STEP or more; a neutral or unknown one where it is. What would lie outside the box has
    escaped.
    """
    pdg = int(particle[PDG])
    mass_number, charge = max(1, pdg // 10 % 1000), max(1, pdg // 10000 % 1000)
    scale, shrink = mass_number * NUCLEON / PROTON_MASS, mass_number * NUCLEON / PROTON_MASS / charge**2
    point, fraction = locate_energy(particle[KINETIC] / scale)
    below, above = tables.steps[ROW_PROTON, point, RANGE], tables.steps[ROW_PROTON, point + 1, RANGE]
    remaining = (below + fraction * (above - below)) * shrink
    energies, ranges = tables.energies[ROW_PROTON], tables.ranges[ROW_PROTON]
    step = max(STEP, remaining / MOST_PIECES)
    while particle[KINETIC] > 0.0:
        path = min(step, remaining)
        remaining -= path
        left = scale * energy_left(energies, ranges, remaining / shrink) if remaining > 1e-3 * step else 0.0
        left = min(left, particle[KINETIC])
        x, y, z = (
            particle[X] + path * particle[UX],
            particle[Y] + path * particle[UY],
            particle[Z] + path * particle[UZ],
        )
        if not inside(x, y, z, work.box):
            if path < STEP:
                x, y, z, left = particle[X], particle[Y], particle[Z], 0.0
            else:
                work.budget[work.counts[EVENT], ESCAPED] += particle[KINETIC]
                return
        lost = particle[KINETIC] - left
        write_segment(work.segments, work.ids, work.counts, work.budget, particle, x, y, z, path, lost)
        particle[X], particle[Y], particle[Z], particle[KINETIC] = x, y, z, left
