"""The source `geant4`: the same events as `lartpc`, followed by Geant4 instead of our own transport."""

from importlib import import_module
from time import perf_counter
from typing import Any, Literal

import numpy as np
from pydantic import Field

from bevatron.config.loading.kinds import source
from bevatron.errors import UserError
from bevatron.simulate.argon.tracking.event import PHOTON_CONVERSION_UNKNOWN, Box, Deposits, Primaries
from bevatron.simulate.batches import concatenate_samples
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.lartpc import ArgonOptions
from bevatron.store.shards.columns import Samples

VOLUME = "Argon"
WHERE = "source 'geant4'"


@source("geant4")
class Geant4:
    """Energy deposits by Geant4 through calzone (V. Niess), in the raw shards of the source `lartpc`.

    Untested: Geant4's data files (2 GB, `python -m calzone download`) could not be had where this was written, so
    that no event was ever followed. Tested are what goes into calzone, segments made of arrays of the form that its
    documentation describes, and what is said where package or data are missing. Differences from `lartpc`: the times of
    deposits are those of their primary; `budget` knows what was brought and deposited, and counts all else as escaped;
    the way to a photon's conversion is not known.
    """

    VERSION = 2

    class Options(ArgonOptions):
        physics: Literal["FTFP_BERT", "QGSP_BERT", "QGSP_BIC_HP"] = Field(
            default="FTFP_BERT",
            description="Geant4's list of hadronic processes; electromagnetic ones are its option 4",
        )

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard of events. Raises UserError where calzone or its data are not installed."""
        from bevatron.simulate.argon.tracking.events import build_event_samples, event_attributes, generate_primaries

        calzone = _import_calzone()
        start = perf_counter()
        box = Box(options.box.low, options.box.high)
        streams = np.random.SeedSequence(seed.own).spawn(2)
        event_start = generate_primaries(
            options, box, 0, options.events, np.random.Generator(np.random.Philox(streams[0]))
        )
        simulation = calzone.Simulation(geometry(box))
        simulation.physics = calzone.Physics("option4", had_model=options.physics)
        simulation.random = calzone.Random(full_seed(streams[1]))
        simulation.sample_deposits, simulation.tracking = "detailed", True
        try:
            result = simulation.run(convert_primaries(event_start.primaries, box, calzone))
        except FileNotFoundError as error:
            what = f"lacks Geant4's data: {error}"
            raise UserError(
                WHERE, what, "run `python -m calzone download` (2 GB), or take the source 'lartpc'"
            ) from None
        seconds = perf_counter() - start
        deposits = build_deposits(result.deposits[VOLUME], result.tracks, event_start.primaries, options.events, box)
        attributes = event_attributes(options, box)
        samples = concatenate_samples([build_event_samples(event_start, deposits, shard << 40)], attributes)
        return samples, {"events": options.events, "seconds_in_generator": seconds}

    def events(self, options: Options) -> int:
        """Number of events of a shard, for `bevatron plan`."""
        return options.events

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package. Raises UserError without calzone."""
        calzone = _import_calzone()
        return {"calzone": calzone.VERSION, "geant4": str(calzone.GEANT4_VERSION), "numpy": np.__version__}


def _import_calzone() -> Any:
    try:
        return import_module("calzone")  # an extra without types
    except ImportError:
        raise UserError(WHERE, "calzone is not installed", "pip install 'bevatron[geant4]'") from None


def full_seed(stream: np.random.SeedSequence) -> int:
    """All 128 bits that calzone's generator takes (PCG, multiplicative; it sets the lowest bit whatever it gets)."""
    high, low = (int(half) for half in stream.generate_state(2, np.uint64))
    return high << 64 | low


def geometry(box: Box) -> dict[str, Any]:
    """The box of liquid argon around the origin, as calzone describes geometries; cm."""
    sides = [float(high - low) for low, high in zip(box.low, box.high, strict=True)]
    return {VOLUME: {"box": sides, "material": "G4_lAr", "role": "record_deposits"}}


def convert_primaries(primaries: Primaries, box: Box, calzone: Any) -> np.ndarray:
    """The primaries as calzone's particles, one of its events each: MeV, cm from the box's middle, directions."""
    from bevatron.simulate.argon.generators.gun import kinetic_of

    particles = calzone.particles(len(primaries.pdg))
    norm = np.linalg.norm(primaries.momentum, axis=1, keepdims=True)
    particles["pid"], particles["energy"] = primaries.pdg, kinetic_of(primaries.pdg, primaries.momentum)
    particles["position"] = primaries.position - box_center(box)
    particles["direction"] = primaries.momentum / norm
    return particles


def box_center(box: Box) -> np.ndarray:
    """The middle (3,) of the box, cm."""
    return (np.array(box.low) + np.array(box.high)) / 2


def build_deposits(sampled: Any, tracks: np.ndarray, primaries: Primaries, n_events: int, box: Box) -> Deposits:
    """Segments of what calzone sampled in detail.

    sampled.line (event, tid, pid, value, start, end) along tracks and sampled.point (event, tid, pid, value, position);
    tracks (event, tid, parent). Their `event` is the primary.
    """
    from bevatron.simulate.argon.generators.gun import kinetic_of

    line, point = sampled.line, sampled.point
    starts = np.concatenate([line["start"], point["position"]]) + box_center(box)
    ends = np.concatenate([line["end"], point["position"]]) + box_center(box)
    primary = np.concatenate([line["event"], point["event"]]).astype(np.int64)
    energy = np.concatenate([line["value"], point["value"]])
    path = np.maximum(np.linalg.norm(ends - starts, axis=1), 1e-4)
    tid = np.concatenate([line["tid"], point["tid"]])
    pdg = np.concatenate([line["pid"], point["pid"]])
    parents = {(int(t["event"]), int(t["tid"])): int(t["parent"]) for t in tracks}
    parent = np.array([parents.get((int(p), int(t)), 0) for p, t in zip(primary, tid, strict=True)], np.int64)
    first = np.searchsorted(primaries.event, np.arange(n_events + 1))
    event = primaries.event[primary]
    order = np.argsort(event, kind="stable")
    values = np.column_stack([starts, ends, path, energy, primaries.time[primary]]).astype(np.float32)
    ranks = primary - first[event]
    # Tracks are numbered again for each primary: kept apart by the primary's rank. Ancestors' kinds are not sampled, so
    # that no segment is said to come from a neutron.
    parent = np.where(parent > 0, ranks * 1_000_000 + parent, -1)
    ids = np.column_stack([pdg, ranks * 1_000_000 + tid, parent, ranks, np.zeros_like(ranks)])
    offsets = np.searchsorted(event[order], np.arange(n_events + 1)).astype(np.int64)
    budget = np.zeros((n_events, 6))
    budget[:, 0] = np.bincount(primaries.event, kinetic_of(primaries.pdg, primaries.momentum), minlength=n_events)
    budget[:, 1] = np.bincount(event, energy, minlength=n_events)
    budget[:, 2] = budget[:, 0] - budget[:, 1]
    conversion = np.full(len(primaries.pdg), PHOTON_CONVERSION_UNKNOWN)
    return Deposits(values[order], ids[order].astype(np.int32), offsets, budget, conversion)
