"""The arrays that all functions share: particles to be followed, deposited energy, and the event's energy budget."""

from collections import namedtuple

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.simulate.argon.tracking.deposit_class import class_of_child
from bevatron.simulate.argon.tracking.particles import NEUTRON

# Columns of the stack, one row for each waiting particle: PDG code, kinetic energy (MeV), position (cm), direction,
# time (ns), number of its track, that of its parent, rank of its primary, the path since it was made (cm, of photons;
# of neutrons the time since then, ns), 1 where a neutron is among its ancestors, and the class of its deposits.
PDG, KINETIC, X, Y, Z, UX, UY, UZ, TIME, TRACK, PARENT, PRIMARY, PATH, FROM_NEUTRON, CLASS = range(15)
COLUMNS = 15

# `counts`: particles waiting, segments written, tracks begun in this event, this event.
WAITING, SEGMENTS, TRACKS, EVENT = range(4)

# Columns of the budget: BUDGET_FEATURES.
BROUGHT, DEPOSITED, ESCAPED, NEUTRAL, BINDING, MASS = range(6)

SPARE_ROWS = 80  # free rows that each interaction may count on

SHORTEST_PATH = 1e-4  # cm: no segment is shorter, so that dE/dx always exists

# stack (n, 15), counts (4,), segments (m, 9) float32, ids (m, 6) int32: SEGMENT_ID_FEATURES and the class; budget
# (events, 6), box (2, 3), fragments (64, 5): the outgoing particles of one nuclear interaction.
WorkArrays = namedtuple("WorkArrays", "stack counts segments ids budget box fragments")


@compiled
def push(stack, counts, parent, pdg, kinetic, ux, uy, uz):
    """Adds a particle at the position and time of `parent` (15,)."""
    n = counts[WAITING]
    stack[n, PDG], stack[n, KINETIC] = pdg, kinetic
    stack[n, X], stack[n, Y], stack[n, Z], stack[n, TIME] = parent[X], parent[Y], parent[Z], parent[TIME]
    stack[n, UX], stack[n, UY], stack[n, UZ] = ux, uy, uz
    stack[n, TRACK], stack[n, PARENT], stack[n, PRIMARY] = counts[TRACKS], parent[TRACK], parent[PRIMARY]
    stack[n, PATH] = 0.0
    stack[n, FROM_NEUTRON] = 1.0 if parent[PDG] == NEUTRON else parent[FROM_NEUTRON]
    stack[n, CLASS] = class_of_child(parent[PDG], parent[CLASS], pdg, kinetic)
    counts[WAITING] += 1
    counts[TRACKS] += 1


@compiled
def write_segment(segments, ids, counts, budget, particle, x, y, z, path, energy):
    """Writes a segment from the particle's position to (x, y, z), and its energy into the budget; the particle stays.

    Called at each step, with arrays one by one: numba would count the references to each in a tuple.
    """
    n = counts[SEGMENTS]
    segments[n, 0], segments[n, 1], segments[n, 2] = particle[X], particle[Y], particle[Z]
    segments[n, 3], segments[n, 4], segments[n, 5] = x, y, z
    segments[n, 6], segments[n, 7], segments[n, 8] = max(path, SHORTEST_PATH), energy, particle[TIME]
    ids[n, 0], ids[n, 1], ids[n, 2] = particle[PDG], particle[TRACK], particle[PARENT]
    ids[n, 3], ids[n, 4] = particle[PRIMARY], particle[FROM_NEUTRON]
    ids[n, 5] = particle[CLASS]
    counts[SEGMENTS] = n + 1
    budget[counts[EVENT], DEPOSITED] += energy


@compiled
def needs_growth(work):
    """True if an interaction might make more than the arrays hold: they must grow first."""
    counts = work.counts
    return counts[WAITING] + SPARE_ROWS > len(work.stack) or counts[SEGMENTS] + SPARE_ROWS > len(work.segments)


@compiled
def copy_rows(old, new, n):
    """Copies the first n rows, by loops: numba compiles them in a tenth of the time that slices take."""
    for row in range(n):
        for column in range(old.shape[1]):
            new[row, column] = old[row, column]


@compiled
def grow(work):
    """Returns the same content, in arrays twice as long where they are nearly full."""
    stack, segments, ids, counts = work.stack, work.segments, work.ids, work.counts
    if counts[WAITING] + SPARE_ROWS > len(stack):
        stack = np.empty((2 * len(stack), COLUMNS))
        copy_rows(work.stack, stack, counts[WAITING])
    if counts[SEGMENTS] + SPARE_ROWS > len(segments):
        segments, ids = np.empty((2 * len(segments), 9), np.float32), np.empty((2 * len(ids), ids.shape[1]), np.int32)
        copy_rows(work.segments, segments, counts[SEGMENTS])
        copy_rows(work.ids, ids, counts[SEGMENTS])
    return WorkArrays(stack, counts, segments, ids, work.budget, work.box, work.fragments)


@compiled
def put_back(particle, work):
    """The particle returns to the stack as it is, under its own track."""
    for column in range(COLUMNS):
        work.stack[work.counts[WAITING], column] = particle[column]
    work.counts[WAITING] += 1
