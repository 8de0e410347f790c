"""Events: their primaries, and the raw samples that they become."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from bevatron.simulate.argon.generators import cosmics, gun, neutrinos
from bevatron.simulate.argon.tracking.deposit_class import CLASSES
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
class EventStart:
    """The primaries of n events, and their targets, (n,): see those of the source `lartpc`."""

    primaries: Primaries
    particle: np.ndarray
    neutrino: np.ndarray
    vertex: np.ndarray


def generate_primaries(options: Any, box: Box, first: int, n: int, random: np.random.Generator) -> EventStart:
    """The primaries of `n` events from number `first` of a shard; the cosmic muons of an event come last."""
    if options.gun is not None:
        primaries, particle = gun.generate_shots(options.gun, box, first, n, random)
        has_interaction, vertex = np.zeros(n, bool), primaries.position[np.searchsorted(primaries.event, np.arange(n))]
    else:
        primaries, has_interaction, vertex = neutrinos.generate_interactions(options.neutrinos, box, n, random)
        particle = np.zeros(n, np.int64)
    if options.cosmics is not None:
        primaries = _merge(primaries, cosmics.generate_muons(options.cosmics, box, n, random))
    return EventStart(primaries, particle.astype(np.int64), has_interaction.astype(np.int64), vertex.astype(np.float32))


def build_event_samples(start: EventStart, deposits: Deposits, first_id: int, with_classes: bool = False) -> Samples:
    """The events as raw samples, numbered from `first_id`; with the class of each deposit if so."""
    p, n = start.primaries, len(start.neutrino)
    offsets = np.searchsorted(p.event, np.arange(n + 1)).astype(np.int64)
    kinetic = gun.kinetic_of(p.pdg, p.momentum)
    values = np.concatenate([p.position, p.time[:, None], p.momentum, kinetic[:, None]], 1).astype(np.float32)
    numbers = np.stack([p.pdg, p.origin], 1).astype(np.int32)
    conversion = np.full(n, -1.0, np.float32)
    photons = np.flatnonzero(p.pdg == PHOTON)
    event, first = np.unique(p.event[photons], return_index=True)
    conversion[event] = np.nan_to_num(deposits.conversion[photons[first]], nan=-1.0)
    inputs = segment_groups(deposits, with_classes) | {
        "primaries": Group(Ragged(values, offsets), PRIMARY_FEATURES, PRIMARY_UNITS),
        "primary_ids": Group(Ragged(numbers, offsets), PRIMARY_ID_FEATURES, ("", "")),
        "conversion": Group(Dense(conversion[:, None]), ("conversion",), ("cm",)),
    }
    targets = {"particle": start.particle, "neutrino": start.neutrino, "vertex": start.vertex}
    return Samples(inputs, targets, np.uint64(first_id) + np.arange(n, dtype=np.uint64))


def event_attributes(options: Any, box: Box) -> dict[str, object]:
    """The attributes of a raw shard, which hold for all its events.

    They are the box, the gun's particles by name and PDG code, in the order of their class numbers, and the classes of
    deposits where these are written.
    """
    classes = {"deposit_classes": list(CLASSES)} if getattr(options, "deposit_classes", False) else {}
    particles = [] if options.gun is None else list(options.gun.particles)
    return {
        "box": {"low": list(box.low), "high": list(box.high)},
        "particles": particles,
        "particle_codes": [gun.PDG[name] for name in particles],
        **classes,
    }


def _merge(first: Primaries, second: Primaries) -> Primaries:
    """Both, by event; those of `first` before those of `second` within an event."""
    order = np.argsort(np.concatenate([first.event, second.event]), kind="stable")
    names = Primaries.__dataclass_fields__
    return Primaries(**{name: np.concatenate([getattr(first, name), getattr(second, name)])[order] for name in names})
