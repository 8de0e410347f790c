"""The source `jets`: proton collisions by Pythia 8, clustered by FastJet, kept at particle level."""

import logging
from time import perf_counter

import numpy as np
from pydantic import Field

from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, Name, NonNegative, Positive
from bevatron.raw.comparison import Comparison
from bevatron.simulate.batches import concatenate_samples
from bevatron.simulate.collisions.event_jets import JetOptions, build_jet_samples
from bevatron.simulate.collisions.pile_up import CollisionPool, add_pile_up, pool_collisions
from bevatron.simulate.collisions.pythia import BATCH, SEEDS, Collisions
from bevatron.simulate.collisions.pythia import versions as pythia_versions
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Samples

logger = logging.getLogger("bevatron")

VALIDATION_EVENTS = 200  # of each process, for a recipe's comparisons with published numbers
SMALL_EVENTS_BATCH = 1_000  # events generated at once without multiple parton interactions
OVERLAY = 1  # number of the stream of random numbers that draws and rotates pile-up collisions
LIGHT = ("gg2gg", "gg2qqbar", "qg2qg", "qq2qq", "qqbar2gg", "qqbar2qqbarNew")
PROCESSES = {
    "beauty": ["HardQCD:hardbbbar = on"],
    "charm": ["HardQCD:hardccbar = on"],
    # The hard process makes pairs of u, d and s quarks only. Charm and beauty come from showers and the proton's sea.
    "light": [*(f"HardQCD:{process} = on" for process in LIGHT), "HardQCD:nQuarkNew = 3"],
}


@source("jets")
class PythiaJets:
    """Jets of the processes in `processes`, the same number of events of each in every shard.

    One sample is one jet, with id = shard << 40 | event << 8 | rank of the jet in its event. Input groups and targets
    are those of `bevatron.simulate.collisions.event_jets`. `event` is unique in the study. `process` is the index of
    the process' name in alphabetical order.

    Approximations: these are generated particles, without detector material and magnetic field, and every collision is
    at the origin. The recipe adds the field, the measured tracks and the beam spot. Without `pile_up` each event is one
    collision. With it, jets have the further groups of `bevatron.simulate.collisions.pile_up`: charged particles and
    energy of other collisions, from a pool of minimum-bias events that each shard generates once. The jets are the same
    for every value of `pile_up`.
    """

    VERSION = 2

    class Options(JetOptions):
        events: Count = Field(default=1_000, description="events of each process in each shard", lt=2**24)
        energy: Positive = Field(default=13_000.0, description="energy of the two protons together, GeV")
        pt_hat_min: Positive = Field(default=25.0, description="least pt of the hard scattering, GeV")
        multiple_interactions: bool = Field(
            default=True, description="multiple parton interactions in a collision; without them six times as fast"
        )
        processes: dict[Name, list[str]] = Field(
            default=PROCESSES, description="by name, the Pythia settings that switch a process on", min_length=1
        )
        settings: list[str] = Field(default=[], description="further Pythia settings, of all processes")
        pile_up: NonNegative = Field(
            default=0.0,
            le=1_000.0,
            description="pile-up: mean number of other collisions (inelastic, non-diffractive) in an event",
        )
        pile_up_pool: Count = Field(
            default=2_000,
            description="number of such collisions that a shard generates; they are reused, rotated and mirrored at "
            "random",
        )

        @property
        def batch(self) -> int:
            """Events that are generated at once: without multiple parton interactions events are small and fast."""
            return BATCH if self.multiple_interactions else SMALL_EVENTS_BATCH

        @property
        def max_shards(self) -> int:
            """Number of shards for which Pythia has seeds: a shard needs one for each process and one for pile-up."""
            return SEEDS // (len(self.processes) + (self.pile_up > 0))

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard of jets, and the time spent inside Pythia. Raises UserError for settings Pythia
        refuses.
        """
        start, seconds, starting, n_events = perf_counter(), 0.0, 0.0, 0
        total = options.events * len(options.processes)
        parts: list[Samples] = []
        last_message, random = start, seed.generator()
        pool, in_pool = self._pool(options, seed) if options.pile_up > 0 else (None, 0.0)
        seconds += in_pool
        overlay = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed.own, OVERLAY])))
        for number, name in enumerate(sorted(options.processes)):
            settings = [*self.settings(options), *options.processes[name]]
            own_seed = seed.unique_seed(SEEDS, number, len(options.processes))
            collisions = Collisions(settings, own_seed, f"simulation.source.processes.{name}")
            for particles in collisions.batches(options.events, options.batch):
                first_event = (shard << 32) + n_events
                jets = build_jet_samples(particles, collisions.charges, options, first_event, number, random)
                if pool is not None:
                    jets = add_pile_up(jets, pool, options.pile_up, options.jet_radius, overlay)
                parts.append(jets)
                n_events += particles.events
                if perf_counter() - last_message > 10.0:
                    last_message = perf_counter()
                    rate = n_events / (last_message - start)
                    logger.info(f"shard {shard}: {n_events} of {total} events, {rate:.0f} a second")
            seconds += collisions.seconds
            starting += collisions.start_seconds
        samples = concatenate_samples(parts, {"processes": sorted(options.processes)})
        return samples, {
            "events": n_events,
            "seconds_in_generator": seconds,
            "seconds_starting_generator": starting,
        }

    def _pool(self, options: Options, seed: ShardSeed) -> tuple[CollisionPool, float]:
        """The shard's pool of pile-up collisions, and the seconds spent inside Pythia for it."""
        settings = self.pile_up_settings(options)
        # The processes have the first seeds; seeds of pile-up are counted down from the last one.
        own_seed = seed.unique_seed_from_end(SEEDS)
        collisions = Collisions(settings, own_seed, "simulation.source.settings")
        return pool_collisions(collisions.batches(options.pile_up_pool), collisions.charges), collisions.seconds

    def events(self, options: Options) -> int:
        """Number of events of a shard, for `bevatron plan`."""
        return options.events * len(options.processes)

    def comparisons(self, options: Options, seed: int) -> list[Comparison]:
        """Generated collisions beside published numbers, for `bevatron validate-source`."""
        from bevatron.simulate.collisions.validation.comparisons import compute_comparisons

        own = [[*self.settings(options), *options.processes[name]] for name in sorted(options.processes)]
        return compute_comparisons(own, options.settings, options.multiple_interactions, seed)

    def validation_sample(self, options: Options, seed: ShardSeed) -> Samples:
        """A small raw shard, from which a recipe makes its comparisons with published numbers."""
        few = options.model_copy(update={"events": min(options.events, VALIDATION_EVENTS)})
        return self.simulate(few, seed.shard, seed)[0]

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        from importlib.metadata import version

        return {**pythia_versions(), "fastjet": version("fastjet"), "awkward": version("awkward")}

    @staticmethod
    def settings(options: Options) -> list[str]:
        """Pythia's settings of all processes, in the form `key = value`."""
        interactions = "on" if options.multiple_interactions else "off"
        return [
            "Beams:idA = 2212",
            "Beams:idB = 2212",
            f"Beams:eCM = {options.energy!r}",
            f"PhaseSpace:pTHatMin = {options.pt_hat_min!r}",
            f"PartonLevel:MPI = {interactions}",
            *options.settings,
        ]

    @staticmethod
    def pile_up_settings(options: Options) -> list[str]:
        """Pythia's settings of pile-up collisions: inelastic, non-diffractive, of any momentum transfer.

        They have multiple parton interactions whatever `multiple_interactions` says, because Pythia generates
        non-diffractive events as such interactions.
        """
        beams = ["Beams:idA = 2212", "Beams:idB = 2212", f"Beams:eCM = {options.energy!r}"]
        return [*beams, *options.settings, "SoftQCD:nonDiffractive = on"]
