"""The source `lartpc`: particles, neutrino interactions and cosmic muons, followed through liquid argon."""

import logging
from time import perf_counter
from typing import ClassVar

import numpy as np
from pydantic import Field, FiniteFloat, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, Section, WithLaterKeys
from bevatron.raw.comparison import Comparison
from bevatron.simulate.argon.generators.cosmics import Cosmics, expected_muons
from bevatron.simulate.argon.generators.gun import Gun
from bevatron.simulate.argon.generators.neutrinos import Neutrinos
from bevatron.simulate.argon.tracking.cuts import Cuts
from bevatron.simulate.argon.tracking.event import Box
from bevatron.simulate.batches import concatenate_samples
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Samples

logger = logging.getLogger("bevatron")
VALIDATION_EVENTS = 8  # of which a recipe shows one
BATCH = 200  # events followed at a time, so that memory does not grow with the shard

MAX_MUONS = 1_000  # cosmic muons of an event on average, some forty times MicroBooNE: what memory holds of a batch

Corner = tuple[FiniteFloat, FiniteFloat, FiniteFloat]


class Volume(Section):
    """The liquid argon, a box; x runs along the drift away from the wire planes, y upwards, z along the beam."""

    low: Corner = Field(default=(0.0, -116.5, 0.0), description="corner, cm; the wire planes are at the low x")
    high: Corner = Field(default=(256.0, 116.5, 1036.8), description="opposite corner, cm; MicroBooNE's by default")

    @model_validator(mode="after")
    def _has_volume(self) -> "Volume":
        for axis, low, high in zip("xyz", self.low, self.high, strict=True):
            if low >= high:
                raise ValueError(f"{axis} must rise from low to high, found {low:g} and {high:g}")
        return self


class ArgonOptions(kinds.Options):
    """What starts in the argon; the sources `lartpc` and `geant4` share it."""

    events: Count = Field(default=1_000, description="events of each shard", lt=2**32)
    box: Volume = Field(default_factory=Volume, description="the liquid argon")
    gun: Gun | None = Field(default=None, description="particles of chosen kinds and energies; this or neutrinos")
    neutrinos: Neutrinos | None = Field(default=None, description="muon neutrinos' charged-current interactions")
    cosmics: Cosmics | None = Field(default=None, description="cosmic muons in every event; default: none")

    @model_validator(mode="after")
    def _starts_something(self) -> "ArgonOptions":
        if self.gun is not None and self.neutrinos is None:
            name, margin = "gun", self.gun.margin
        elif self.gun is None and self.neutrinos is not None:
            name, margin = "neutrinos", self.neutrinos.margin
        else:
            found = "neither" if self.gun is None else "both"
            raise ValueError(f"give exactly one of 'gun' and 'neutrinos', found {found}")
        shortest = min(high - low for low, high in zip(self.box.low, self.box.high, strict=True))
        if 2 * margin >= shortest:
            raise ValueError(
                f"{name}.margin: {margin:g} cm from every wall leave nothing of a box of {shortest:g} cm; "
                f"allowed: less than {shortest / 2:g}"
            )
        if self.neutrinos is not None and self.neutrinos.fraction < 1 and self.cosmics is None:
            raise ValueError("neutrinos.fraction: below 1 some events are empty; give 'cosmics' as well")
        if self.cosmics is not None:
            expected = expected_muons(self.cosmics, Box(self.box.low, self.box.high))
            if expected > MAX_MUONS:
                raise ValueError(
                    f"cosmics: {expected:.3g} muons an event, of this box, window and scale; at most {MAX_MUONS:,}"
                )
        return self


@source("lartpc")
class LiquidArgon:
    """Energy deposits of particles in liquid argon, by Bevatron's own transport (bevatron.simulate.argon).

    One sample is one event; id = shard << 40 | event. Input groups: `segments` and `segment_ids` (ragged),
    `budget` (where the energy went), `primaries` and `primary_ids` (ragged), `conversion` (of the first primary photon,
    cm; -1 where there is none or it does not convert), and with `deposit_classes` `segment_classes` (ragged). Targets:
    `particle` (of a gun's first particle, its index in `particles`), `neutrino` (1 if there is an interaction) and
    `vertex` (n, 3), cm.
    """

    VERSION = 2

    class Options(WithLaterKeys, ArgonOptions):
        LATER: ClassVar[tuple[str, ...]] = ("deposit_classes",)

        cuts: Cuts = Field(default_factory=Cuts, description="thresholds and steps of the transport")
        deposit_classes: bool = Field(
            default=False,
            description="write the class of each deposit, by its ancestry: track, shower, Michel electron, δ-ray, or "
            "low-energy deposit of neutrons and nuclear photons; the truth of a segmentation",
        )

        @property
        def max_shards(self) -> int:
            """Shards for which there are seeds of 32 bits, one for each event."""
            return 2**32 // self.events

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard of events, and the time spent in the transport."""
        from bevatron.simulate.argon.tracking.events import build_event_samples, event_attributes, generate_primaries
        from bevatron.simulate.argon.tracking.transport import transport

        start = last_message = perf_counter()
        seconds, parts = 0.0, []
        box = Box(options.box.low, options.box.high)
        for batch, first in enumerate(range(0, options.events, BATCH)):
            n = min(BATCH, options.events - first)
            stream = np.random.SeedSequence([seed.own, batch]).spawn(1)[0]
            event_start = generate_primaries(options, box, first, n, np.random.Generator(np.random.Philox(stream)))
            transport_start = perf_counter()
            number = (
                shard * options.events + first
            )  # among all events of the study, which have each a seed of their own
            deposits = transport(event_start.primaries, n, box, options.cuts, seed.study, number)
            seconds += perf_counter() - transport_start
            first_id = (shard << 40) + first
            parts.append(build_event_samples(event_start, deposits, first_id, options.deposit_classes))
            if perf_counter() - last_message > 10.0:
                last_message = perf_counter()
                n_events = first + n
                rate = n_events / (last_message - start)
                logger.info(f"shard {shard}: {n_events} of {options.events} events, {rate:.0f} a second")
        attributes = event_attributes(options, box)
        return concatenate_samples(parts, attributes), {"events": options.events, "seconds_in_generator": seconds}

    def events(self, options: Options) -> int:
        """Number of events of a shard, for `bevatron plan`."""
        return options.events

    def comparisons(self, options: Options, seed: int) -> list[Comparison]:
        """The transport beside published numbers, for `bevatron validate-source`."""
        from bevatron.simulate.argon.validation.comparisons import compute_comparisons

        return compute_comparisons(options.cuts, seed % 2**62)

    def validation_sample(self, options: Options, seed: ShardSeed) -> Samples:
        """A small raw shard, for what a recipe shows of its detector."""
        few = options.model_copy(update={"events": min(options.events, VALIDATION_EVENTS)})
        return self.simulate(few, seed.shard, seed)[0]

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        from importlib.metadata import version

        return {"numpy": np.__version__, "numba": version("numba")}
