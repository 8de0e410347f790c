"""What waits to be followed, what has been deposited, and the event's energy budget: the arrays all functions share."""

from collections import namedtuple

import numpy as np

from bevatron.compute.compiled import compiled

# Columns of the stack, one row for each waiting particle: PDG code, kinetic energy (MeV), place (cm), direction, time
# (ns), number of its track, that of its parent, rank of its primary, and the way since it was made (cm; photons).
PDG, KINETIC, X, Y, Z, UX, UY, UZ, TIME, TRACK, PARENT, PRIMARY, WAY = range(13)
COLUMNS = 13

# `counts`: particles waiting, segments written, tracks begun in this event, this event.
WAITING, SEGMENTS, TRACKS, EVENT = range(4)

# Columns of the budget: BUDGET_FEATURES.
BROUGHT, DEPOSITED, ESCAPED, NEUTRAL, BINDING, MASS = range(6)

ROOM = 80  # free rows that each interaction may count on

SHORTEST_PATH = 1e-4  # cm: no segment is shorter, so that dE/dx always exists

# stack (n, 13), counts (4,), segments (m, 9) float32, ids (m, 4) int32, budget (events, 6), box (2, 3), fragments
# (64, 5): room for the outgoing particles of one nuclear interaction.
Work = namedtuple("Work", "stack counts segments ids budget box fragments")


@compiled
def push(stack, counts, parent, pdg, kinetic, ux, uy, uz):
    """A new particle at the place and time of `parent` (13,)."""
    row = stack[counts[WAITING]]
    row[PDG], row[KINETIC] = pdg, kinetic
    row[X], row[Y], row[Z], row[TIME] = parent[X], parent[Y], parent[Z], parent[TIME]
    row[UX], row[UY], row[UZ] = ux, uy, uz
    row[TRACK], row[PARENT], row[PRIMARY], row[WAY] = counts[TRACKS], parent[TRACK], parent[PRIMARY], 0.0
    counts[WAITING] += 1
    counts[TRACKS] += 1


@compiled
def write(work, particle, x, y, z, path, energy):
    """A segment from the particle's place to (x, y, z), and its energy into the budget; the particle stays."""
    counts = work.counts
    segment, name = work.segments[counts[SEGMENTS]], work.ids[counts[SEGMENTS]]
    segment[0], segment[1], segment[2] = particle[X], particle[Y], particle[Z]
    segment[3], segment[4], segment[5] = x, y, z
    segment[6], segment[7], segment[8] = max(path, SHORTEST_PATH), energy, particle[TIME]
    name[0], name[1], name[2], name[3] = particle[PDG], particle[TRACK], particle[PARENT], particle[PRIMARY]
    counts[SEGMENTS] += 1
    work.budget[counts[EVENT], DEPOSITED] += energy


@compiled
def short_of_room(work):
    """True if an interaction might not find room for what it makes: the kernel then has to grow the arrays."""
    counts = work.counts
    return counts[WAITING] + ROOM > len(work.stack) or counts[SEGMENTS] + ROOM > len(work.segments)


@compiled
def grown(work):
    """The same with arrays twice as long where they are nearly full."""
    stack, segments, ids, counts = work.stack, work.segments, work.ids, work.counts
    if counts[WAITING] + ROOM > len(stack):
        wider = np.empty((2 * len(stack), COLUMNS))
        wider[: counts[WAITING]] = stack[: counts[WAITING]]
        stack = wider
    if counts[SEGMENTS] + ROOM > len(segments):
        longer, names = np.empty((2 * len(segments), 9), np.float32), np.empty((2 * len(ids), 4), np.int32)
        longer[: counts[SEGMENTS]] = segments[: counts[SEGMENTS]]
        names[: counts[SEGMENTS]] = ids[: counts[SEGMENTS]]
        segments, ids = longer, names
    return Work(stack, counts, segments, ids, work.budget, work.box, work.fragments)


@compiled
def put_back(particle, work):
    """The particle returns to the stack as it is, under its own track."""
    work.stack[work.counts[WAITING]] = particle
    work.counts[WAITING] += 1
