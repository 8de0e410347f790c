"""What nuclei do with pions, protons and stopped muons, brought into the event's stack and budget. Compiled."""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.hadronic.nuclear import capture_muon, capture_pion, interact
from bevatron.simulate.argon.tracking.particles import NUCLEON, PROTON_MASS, ROW_PROTON
from bevatron.simulate.argon.tracking.space import inside
from bevatron.simulate.argon.tracking.stack import (
    BINDING,
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
    write_segment,
)
from bevatron.simulate.argon.tracking.tables import RANGE, locate_energy
from bevatron.simulate.argon.tracking.track_end import MUON_CAPTURE, PION_CAPTURE


@compiled
def react(particle, process, work):
    """A pion or proton meets a nucleus (NUCLEAR), or a negative one at rest is captured (PION_CAPTURE, MUON_CAPTURE):
    what comes out goes onto the stack, and the rest into the budget.
    """
    neutral, out = 0.0, work.fragments
    if process == PION_CAPTURE:
        n, binding, mass = capture_pion(out)
    elif process == MUON_CAPTURE:
        n, neutral, binding, mass = capture_muon(out)
    else:
        direction = np.empty(3)
        direction[0], direction[1], direction[2] = particle[UX], particle[UY], particle[UZ]
        n, binding, mass = interact(int(particle[PDG]), particle[KINETIC], direction, out)
    for i in range(n):
        pdg = int(out[i, 0])
        push(work.stack, work.counts, particle, pdg, out[i, 1], out[i, 2], out[i, 3], out[i, 4])
    event = work.counts[EVENT]
    work.budget[event, NEUTRAL] += neutral
    work.budget[event, BINDING] += binding
    work.budget[event, MASS] += mass


@compiled
def stop_nucleus(particle, work, tables):
    """A nucleus leaves all its energy along its range, which is that of a proton of the same speed by mass and charge
    squared; a neutral or unknown one where it is.
    """
    pdg = int(particle[PDG])
    mass_number, charge = max(1, pdg // 10 % 1000), max(1, pdg // 10000 % 1000)
    scale = mass_number * NUCLEON / PROTON_MASS
    point, fraction = locate_energy(particle[KINETIC] / scale)
    below, above = tables.steps[ROW_PROTON, point, RANGE], tables.steps[ROW_PROTON, point + 1, RANGE]
    path = (below + fraction * (above - below)) * scale / charge**2
    x, y, z = particle[X] + path * particle[UX], particle[Y] + path * particle[UY], particle[Z] + path * particle[UZ]
    if not inside(x, y, z, work.box):
        x, y, z = particle[X], particle[Y], particle[Z]
    write_segment(work.segments, work.ids, work.counts, work.budget, particle, x, y, z, path, particle[KINETIC])
