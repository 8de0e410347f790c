"""What nuclei do with pions, protons and stopped muons, brought into the event's stack and budget. Compiled."""

import numpy as np

from bevatron.compute.compiled import compiled
from bevatron.simulate.argon.nuclear import interact, muon_capture, pion_capture
from bevatron.simulate.argon.particles import MUON_LIFETIME, NUCLEON, PROTON_MASS, ROW_PROTON
from bevatron.simulate.argon.space import inside
from bevatron.simulate.argon.stack import BINDING, EVENT, KINETIC, MASS, NEUTRAL, PDG, UX, UY, UZ, X, Y, Z, push, write
from bevatron.simulate.argon.tables import RANGE, place

# Of negative muons in argon: Suzuki, Measday and Roalsvig, Phys. Rev. C 35 (1987) 2212: lifetime, Huff factor.
BOUND_LIFETIME, HUFF = 537.0, 0.988  # ns
CAPTURED = 1.0 - BOUND_LIFETIME * HUFF / MUON_LIFETIME  # 0.76


@compiled
def collide(particle, work):
    """A pion or a proton meets a nucleus, and is gone."""
    direction = np.empty(3)
    direction[0], direction[1], direction[2] = particle[UX], particle[UY], particle[UZ]
    n, binding, mass = interact(int(particle[PDG]), particle[KINETIC], direction, work.fragments)
    release(particle, n, 0.0, binding, mass, work)


@compiled
def capture_pion(particle, work):
    n, binding, mass = pion_capture(work.fragments)
    release(particle, n, 0.0, binding, mass, work)


@compiled
def capture_muon(particle, work):
    n, neutral, binding, mass = muon_capture(work.fragments)
    release(particle, n, neutral, binding, mass, work)


@compiled
def release(particle, n, neutral, binding, mass, work):
    """What has come out of a nucleus goes onto the stack, and the rest into the budget."""
    for i in range(n):
        out = work.fragments[i]
        push(work.stack, work.counts, particle, int(out[0]), out[1], out[2], out[3], out[4])
    budget = work.budget[work.counts[EVENT]]
    budget[NEUTRAL] += neutral
    budget[BINDING] += binding
    budget[MASS] += mass


@compiled
def stop_nucleus(particle, work, tables):
    """A nucleus leaves all its energy along its range, which is that of a proton of the same speed by mass and charge
    squared; a neutral or unknown one where it is."""
    pdg = int(particle[PDG])
    mass_number, charge = max(1, pdg // 10 % 1000), max(1, pdg // 10000 % 1000)
    scale = mass_number * NUCLEON / PROTON_MASS
    point, rest = place(particle[KINETIC] / scale)
    below, above = tables.steps[ROW_PROTON, point, RANGE], tables.steps[ROW_PROTON, point + 1, RANGE]
    path = (below + rest * (above - below)) * scale / charge**2
    x, y, z = particle[X] + path * particle[UX], particle[Y] + path * particle[UY], particle[Z] + path * particle[UZ]
    if not inside(x, y, z, work.box):
        x, y, z = particle[X], particle[Y], particle[Z]
    write(work.segments, work.ids, work.counts, work.budget, particle, x, y, z, path, particle[KINETIC])
