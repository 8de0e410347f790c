"""The transport of particles through liquid argon: from primaries to segments of deposited energy."""

import numpy as np

from bevatron.compute.numerics.compiled import compiled
from bevatron.errors import UserError
from bevatron.simulate.argon.electromagnetic.photon_transport import follow_photon
from bevatron.simulate.argon.hadronic.decays import decay_to_photons
from bevatron.simulate.argon.hadronic.nuclear_vertex import react, stop_nucleus
from bevatron.simulate.argon.neutral.neutron_transport import follow_neutron
from bevatron.simulate.argon.tracking.charged import follow_charged
from bevatron.simulate.argon.tracking.cuts import Cuts
from bevatron.simulate.argon.tracking.deposit_class import class_of_primary
from bevatron.simulate.argon.tracking.event import BUDGET_FEATURES, Box, Deposits, Primaries
from bevatron.simulate.argon.tracking.material import LIGHT
from bevatron.simulate.argon.tracking.particles import (
    CHARGED,
    FIRST_NUCLEUS,
    MASSES,
    NEUTRON,
    PHOTON,
    PION_ZERO,
    mass_of,
)
from bevatron.simulate.argon.tracking.space import distance_to_box, move_to_box
from bevatron.simulate.argon.tracking.stack import (
    BROUGHT,
    CLASS,
    COLUMNS,
    ESCAPED,
    EVENT,
    KINETIC,
    NEUTRAL,
    PARENT,
    PATH,
    PDG,
    PRIMARY,
    SEGMENTS,
    TIME,
    TRACK,
    TRACKS,
    UX,
    WAITING,
    WorkArrays,
    X,
    grow,
    needs_growth,
)
from bevatron.simulate.argon.tracking.tables import HIGHEST, tabulate
from bevatron.simulate.argon.tracking.track_end import end_track

INITIAL_ROWS = 4096  # rows of the stack to begin with
CODES = np.array(CHARGED)
ROW_MASSES = np.array([MASSES[pdg] for pdg in CHARGED])
# Rows of the segments to begin with: those of tracks of least loss (MeV/cm) in full steps, with as many short ones.
# Rows that are not written cost no memory, but growing costs as much time as a fifth of the transport.
MIN_LOSS, SEGMENTS_PER_STEP, MAX_ROWS = 2.1, 2.0, 20_000_000


def transport(primaries: Primaries, n_events: int, box: Box, cuts: Cuts, seed: int, first_event: int = 0) -> Deposits:
    """Follows the primaries of events 0 to n_events - 1, and all particles that they make, through the box.

    A primary outside the box flies straight to it, or has escaped. Each event's random numbers follow from `seed`
    and its number, counted from `first_event`, alone, so that it does not depend on other events; no two events of a
    seed share them. Segments' t is the time at their start. Neutrinos
    leave at once (`neutral`), nuclei heavier than the proton stop where they are.

    Raises UserError for a box without volume, for particles that are not followed, for kinetic energies of more than
    1 TeV, and for events out of order or range.
    """
    check_box(box)
    masses = check_masses(primaries, n_events)
    momentum = np.sqrt((primaries.momentum.astype(np.float64) ** 2).sum(1))
    kinetic = momentum**2 / (np.sqrt(momentum**2 + masses**2) + masses + (momentum == 0))
    too_much = np.flatnonzero(~(kinetic <= HIGHEST))
    if len(too_much):
        raise UserError(
            "primaries",
            f"a kinetic energy of {kinetic[too_much[0]]:g} MeV is beyond the tables of the transport",
            f"at most {HIGHEST:g} MeV",
        )
    start = np.zeros((len(kinetic), COLUMNS))
    start[:, PDG], start[:, KINETIC], start[:, TIME] = primaries.pdg, kinetic, primaries.time
    start[:, X : X + 3] = primaries.position
    start[:, UX : UX + 3] = primaries.momentum / np.where(momentum == 0, 1.0, momentum)[:, None]
    start[momentum == 0, UX] = 1.0  # at rest: any direction
    first = np.searchsorted(primaries.event, np.arange(n_events + 1)).astype(np.int64)
    start[:, TRACK] = start[:, PRIMARY] = np.arange(len(kinetic)) - first[primaries.event]
    start[:, PARENT] = -1
    for pdg in np.unique(primaries.pdg):
        start[primaries.pdg == pdg, CLASS] = class_of_primary(float(pdg))
    budget, offsets = np.zeros((n_events, len(BUDGET_FEATURES))), np.zeros(n_events + 1, np.int64)
    conversion = np.full(len(kinetic), np.nan, np.float32)
    room = min(INITIAL_ROWS + int(SEGMENTS_PER_STEP * kinetic.sum() / (MIN_LOSS * cuts.step)), MAX_ROWS)
    segments, ids = run_events(
        start,
        first,
        event_seeds(seed, n_events, first_event),
        np.array([box.low, box.high], dtype=np.float64),
        np.array([cuts.electron, cuts.photon, cuts.step]),
        tabulate(cuts),
        budget,
        offsets,
        conversion,
        room,
    )
    return Deposits(segments, ids[:, :5], offsets, budget, conversion, ids[:, 5].astype(np.int8))


def check_box(box: Box) -> None:
    """Raises UserError for a box without volume, or with corners that are not finite."""
    low, high = np.asarray(box.low, float), np.asarray(box.high, float)
    if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
        raise UserError("box", f"no volume between {box.low} and {box.high}", "each low corner below its high one, cm")


def check_masses(primaries: Primaries, n_events: int) -> np.ndarray:
    """The primaries' masses (n,) in MeV. Raises UserError for events out of order, and for particles without tables."""
    event = primaries.event
    if len(event) and (event[0] < 0 or event[-1] >= n_events or (np.diff(event) < 0).any()):
        raise UserError("primaries", "events out of order or range", f"numbers from 0 to {n_events - 1}, rising")
    known = {int(pdg): mass_of(int(pdg)) for pdg in np.unique(primaries.pdg)}
    unknown = [pdg for pdg, mass in known.items() if mass is None]
    if unknown:
        raise UserError(
            "primaries",
            f"particle {unknown[0]} cannot be followed through argon",
            "PDG codes of e, mu, pi, gamma, p, n, neutrinos and nuclei",
        )
    return np.array([known[int(pdg)] for pdg in primaries.pdg], dtype=np.float64)


def event_seeds(seed: int, n_events: int, first_event: int = 0) -> np.ndarray:
    """(n,) uint32 of the events from number `first_event`, different for all numbers below 2³²: the number, shifted by
    the seed's digest, through a one-to-one mixing of 32 bits (the finaliser of MurmurHash3). numba's generator, a
    Mersenne Twister, is seeded with 32 bits. Raises ValueError for larger numbers.
    """
    from bevatron.config.loading.digest import seed_of

    if not 0 <= first_event <= 2**32 - n_events:
        raise ValueError(f"events {first_event} to {first_event + n_events - 1} have no seeds of their own in 32 bits")
    shift_by = np.uint64(seed_of("argon", seed) % 2**32)
    mixed = (np.arange(first_event, first_event + n_events, dtype=np.uint64) + shift_by) % np.uint64(2**32)
    for factor, shift in ((0x85EBCA6B, 16), (0xC2B2AE35, 13)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor) % np.uint64(2**32)
    return (mixed ^ (mixed >> np.uint64(16))).astype(np.uint32)


@compiled
def run_events(start, first, seeds, box, cuts, tabulated, budget, offsets, conversion, room):
    """Follows all events; returns segments and ids, and fills budget, offsets and conversion."""
    work = WorkArrays(
        np.empty((INITIAL_ROWS, COLUMNS)),
        np.zeros(4, np.int64),
        np.empty((room, 9), np.float32),
        np.empty((room, 6), np.int32),
        budget,
        box,
        np.empty((64, 5)),
    )
    particle = np.empty(COLUMNS)
    for event in range(len(seeds)):
        np.random.seed(seeds[event])
        work.counts[EVENT] = event
        work.counts[TRACKS] = first[event + 1] - first[event]
        converted = conversion[first[event] : first[event + 1]]
        for primary in range(first[event], first[event + 1]):
            while needs_growth(work):
                work = grow(work)
            for column in range(COLUMNS):
                work.stack[0, column] = start[primary, column]
            work.counts[WAITING] = 1
            budget[event, BROUGHT] += start[primary, KINETIC]
            enter(work)
            while work.counts[WAITING] > 0:
                while needs_growth(work):
                    work = grow(work)
                work.counts[WAITING] -= 1
                for column in range(COLUMNS):
                    particle[column] = work.stack[work.counts[WAITING], column]
                row = find_row(int(particle[PDG]))
                if row < 0:
                    follow_other(particle, work, tabulated, converted)
                else:
                    process = follow_charged(particle, row, ROW_MASSES[row], work, tabulated, cuts)
                    process = end_track(particle, process, ROW_MASSES[row], work)
                    if process >= 0:
                        react(particle, process, work)
        offsets[event + 1] = work.counts[SEGMENTS]
    return work.segments[: work.counts[SEGMENTS]], work.ids[: work.counts[SEGMENTS]]


@compiled
def enter(work):
    """Brings the primary that waits alone to the box; one that misses it has escaped."""
    particle = work.stack[0]
    distance = distance_to_box(particle, work.box)
    if distance < 0.0:
        work.budget[work.counts[EVENT], ESCAPED] += particle[KINETIC]
        work.counts[WAITING] = 0
    elif distance > 0.0:
        move_to_box(particle, distance, work.box)
        particle[TIME] += distance / LIGHT  # of a fast particle
        particle[PATH] += distance


@compiled
def find_row(pdg):
    """The row of a charged particle in the tables; -1 of all others."""
    for row in range(len(CODES)):
        if pdg == CODES[row]:
            return row
    return -1


@compiled
def follow_other(particle, work, tabulated, conversion):
    """Follows a particle without a charged track."""
    pdg = int(particle[PDG])
    if pdg == PHOTON:
        follow_photon(particle, work, tabulated, conversion)
    elif pdg == PION_ZERO:
        decay_to_photons(particle, work)
    elif pdg == NEUTRON:
        follow_neutron(particle, work)
    elif pdg < FIRST_NUCLEUS:
        work.budget[work.counts[EVENT], NEUTRAL] += particle[KINETIC]
    else:
        stop_nucleus(particle, work, tabulated)
