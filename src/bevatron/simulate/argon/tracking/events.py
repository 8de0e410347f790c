"""Whole events: what starts in them, and the raw samples they become."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bevatron.simulate.argon.generators import cosmics, gun, neutrinos
from bevatron.simulate.argon.tracking.event import (
    PRIMARY_FEATURES,
    PRIMARY_ID_FEATURES,
    PRIMARY_UNITS,
    Box,
    Deposits,
    Primaries,
    segment_groups,
)
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

PHOTON = 22


@dataclass(frozen=True)
class Started:
    """Some events' primaries, and what the classes follow from: see the targets of the source `lartpc`."""

    primaries: Primaries
    particle: np.ndarray
    neutrino: np.ndarray
    vertex: np.ndarray


def primaries_of(options: Any, box: Box, first: int, n: int, random: np.random.Generator) -> Started:
    """The primaries of `n` events from number `first` of a shard; the cosmic muons of an event come last."""
    if options.gun is not None:
        primaries, particle = gun.shots(options.gun, box, first, n, random)
        has, vertex = np.zeros(n, bool), primaries.position[np.searchsorted(primaries.event, np.arange(n))]
    else:
        primaries, has, vertex = neutrinos.interactions(options.neutrinos, box, n, random)
        particle = np.zeros(n, np.int64)
    if options.cosmics is not None:
        primaries = _merged(primaries, cosmics.muons(options.cosmics, box, n, random))
    return Started(primaries, particle.astype(np.int64), has.astype(np.int64), vertex.astype(np.float32))


def event_samples(started: Started, deposits: Deposits, first_id: int) -> Samples:
    """The events as raw samples, numbered from `first_id`."""
    p, n = started.primaries, len(started.neutrino)
    offsets = np.searchsorted(p.event, np.arange(n + 1)).astype(np.int64)
    kinetic = gun.kinetic_of(p.pdg, p.momentum)
    values = np.concatenate([p.position, p.time[:, None], p.momentum, kinetic[:, None]], 1).astype(np.float32)
    numbers = np.stack([p.pdg, p.origin], 1).astype(np.int32)
    conversion = np.full(n, -1.0, np.float32)
    photons = np.flatnonzero(p.pdg == PHOTON)
    event, first = np.unique(p.event[photons], return_index=True)
    conversion[event] = np.nan_to_num(deposits.conversion[photons[first]], nan=-1.0)
    inputs = segment_groups(deposits) | {
        "primaries": Group(Ragged(values, offsets), PRIMARY_FEATURES, PRIMARY_UNITS),
        "primary_ids": Group(Ragged(numbers, offsets), PRIMARY_ID_FEATURES, ("", "")),
        "conversion": Group(Dense(conversion[:, None]), ("conversion",), ("cm",)),
    }
    targets = {"particle": started.particle, "neutrino": started.neutrino, "vertex": started.vertex}
    return Samples(inputs, targets, np.uint64(first_id) + np.arange(n, dtype=np.uint64))


def event_attributes(options: Any, box: Box) -> dict[str, object]:
    """What a raw shard says of all its events: the box, and the gun's particles by name and PDG code, in the order of
    their class numbers.
    """
    particles = [] if options.gun is None else list(options.gun.particles)
    return {
        "box": {"low": list(box.low), "high": list(box.high)},
        "particles": particles,
        "particle_codes": [gun.PDG[name] for name in particles],
    }


def joined(parts: list[Samples], attributes: dict[str, object]) -> Samples:
    """One after the other."""
    inputs = {}
    for name, group in parts[0].inputs.items():
        columns = [part.inputs[name].column for part in parts]
        values = np.concatenate([column.values for column in columns])
        if isinstance(columns[0], Ragged):
            ends = np.cumsum([0, *(column.offsets[-1] for column in columns)])
            offsets = [column.offsets[1:] + end for column, end in zip(columns, ends[:-1], strict=True)]
            column = Ragged(values, np.concatenate([[0], *offsets]).astype(np.int64))
        else:
            column = Dense(values)
        inputs[name] = Group(column, group.features, group.units)
    targets = {name: np.concatenate([part.targets[name] for part in parts]) for name in parts[0].targets}
    return Samples(inputs, targets, np.concatenate([part.id for part in parts]), attributes=attributes)


def _merged(first: Primaries, second: Primaries) -> Primaries:
    """Both, by event; those of `first` before those of `second` within an event."""
    order = np.argsort(np.concatenate([first.event, second.event]), kind="stable")
    names = Primaries.__dataclass_fields__
    return Primaries(**{name: np.concatenate([getattr(first, name), getattr(second, name)])[order] for name in names})
