"""The charged particles of events with pile-up, each with its true origin."""

from dataclasses import dataclass

import numpy as np

from bevatron.errors import UserError
from bevatron.prepare.columns import ragged, values_of
from bevatron.prepare.jets.jet_options import BeamSpot
from bevatron.prepare.tracking.detector import sample_collision_points
from bevatron.prepare.tracking.particles import NO_JET, Charged
from bevatron.raw.track_origins import PILE_UP
from bevatron.store.shards.columns import Samples

HARD = (
    ("constituents", "constituent_ids", "constituent_origins"),
    ("spectators", "spectator_ids", "spectator_origins"),
)
OVERLAID = (("pile_up", "pile_up_ids"), ("pile_up_spectators", "pile_up_spectator_ids"))


@dataclass(frozen=True)
class TruthOfParticles:
    """The charged particles of all collisions, and where the collisions are.

    particles: with positions from the hard collision of their event, pile-up particles too; origin (total,): int8
    numbers of ORIGINS. collisions (n_events, 3): the hard collisions in mm; others (n, 3): all pile-up collisions in
    mm, with the number of their event in other_event (n,).
    """

    particles: Charged
    origin: np.ndarray
    collisions: np.ndarray
    others: np.ndarray
    other_event: np.ndarray


def overlay_particles(raw: Samples, event: np.ndarray, beam: BeamSpot, random: np.random.Generator) -> TruthOfParticles:
    """The charged particles of jets, then those outside of jets, with collisions at points drawn from `beam`.

    event (n_jets,): the event of each jet, counted from 0; the jets of an event must be adjacent. In a raw shard
    without pile-up each event has one collision. Raises UserError for a shard whose source wrote no origins.
    """
    first = np.flatnonzero(np.diff(event, prepend=-1))
    n_others = np.zeros(len(first), np.int64)
    if "pile_up_event" in raw.inputs:
        n_others = values_of(raw, "pile_up_event")[first, 0].astype(np.int64)
    collisions = sample_collision_points(len(first), beam, random)
    others = sample_collision_points(int(n_others.sum()), beam, random)
    before = np.cumsum(n_others) - n_others

    parts = []
    for values, ids, origins in HARD:
        if values not in raw.inputs:
            continue
        if origins not in raw.inputs:
            what = "the raw shards do not say what the particles come from, which this recipe needs"
            raise UserError("simulation.source.track_truth", what, "set it to true")
        particles, _, rows = _charged_of(raw, values, ids, event)
        parts.append((particles, values_of(raw, origins)[rows, 0], values == "spectators"))
    for values, ids in OVERLAID if "pile_up" in raw.inputs else ():
        particles, numbers, _ = _charged_of(raw, values, ids, event)
        where = others[before[particles.event] + numbers[:, 2]] - collisions[particles.event]
        particles.vertex[:] += where
        parts.append((particles, np.full(len(numbers), PILE_UP, np.int8), values == "pile_up_spectators"))
    parts.sort(key=lambda part: part[2])  # those of jets first
    for particles, _, is_outside in parts:
        if is_outside:
            particles.jet[:] = NO_JET
    names = ("jet", "event", "momentum", "vertex", "charge")
    joined = Charged(*(np.concatenate([getattr(part, name) for part, *_ in parts]) for name in names))
    origin = np.concatenate([part[1] for part in parts]).astype(np.int8)
    # Measured tracks are listed jet by jet.
    order = np.argsort(joined.jet.astype(np.uint64), kind="stable")
    return TruthOfParticles(
        joined.take(order), origin[order], collisions, others, np.repeat(np.arange(len(first)), n_others)
    )


def _charged_of(raw: Samples, values: str, ids: str, event: np.ndarray) -> tuple[Charged, np.ndarray, np.ndarray]:
    """The charged ones of a group, their ids, and their rows in it."""
    members, numbers = ragged(raw, values), values_of(raw, ids)
    rows = np.flatnonzero(numbers[:, 1])
    jet = np.repeat(np.arange(len(members)), members.lengths)[rows]
    kinematics = members.values[rows].astype(np.float64)
    charge = numbers[rows, 1] / 3.0
    return Charged(jet, event[jet], kinematics[:, :3], kinematics[:, 4:7].copy(), charge), numbers[rows], rows
