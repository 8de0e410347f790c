"""The source `resonances`: decays into two particles over a background of pairs, each seen from two frames."""

from time import perf_counter

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, Fraction, NonNegative, Positive
from bevatron.simulate.event_ids import event_ids
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Samples

MUON = 0.1056584  # GeV
FEATURES = tuple(f"{component}{k}" for k in (1, 2) for component in ("e", "px", "py", "pz"))


@source("resonances")
class Resonances:
    """Each event is a pair of particles: the decay of one of several resonances, whose masses have a Breit-Wigner
    distribution, or a pair of the background, whose invariant mass is evenly distributed.

    Pairs decay evenly over the sphere where they are at rest. The groups `lab` and `boosted` are the four-momenta of
    one event in two frames: each is turned, and moves in a direction and with a rapidity of its own, all drawn
    independently of the event and of the other frame. What the two frames have in common is what does not depend on
    the frame, the invariant mass. Left out: spin, production, the detector.
    """

    VERSION = 1

    class Options(kinds.Options):
        events: Count = Field(default=20_000, description="events in each shard")
        masses: list[Positive] = Field(default=[2.0, 3.5], description="masses of the resonances, GeV", min_length=1)
        width: Positive = Field(default=0.1, description="full width at half maximum of each resonance, GeV")
        signal: Fraction = Field(
            default=0.5,
            description="fraction of resonances among the events, all resonances alike; the rest is background",
        )
        mass_range: tuple[Positive, Positive] = Field(default=(1.0, 5.0), description="range of invariant masses, GeV")
        products: tuple[NonNegative, NonNegative] = Field(
            default=(MUON, MUON), description="masses of the two particles of a pair, GeV"
        )
        rapidity: NonNegative = Field(
            default=1.0, le=10.0, description="largest rapidity of the pair in a frame, evenly distributed from 0"
        )

        @model_validator(mode="after")
        def _masses_are_possible(self) -> "Resonances.Options":
            low, high = self.mass_range
            if low >= high:
                raise ValueError(f"mass_range: must rise, found {low:g} and {high:g}")
            if sum(self.products) >= low:
                raise ValueError(
                    f"products: together {sum(self.products):g} GeV, not below the least mass, {low:g} GeV"
                )
            if outside := [mass for mass in self.masses if not low < mass < high]:
                raise ValueError(f"masses: {outside[0]:g} GeV is outside of mass_range, {low:g} to {high:g} GeV")
            return self

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """Input groups `lab` and `boosted` (n, 8) float32: energy and momentum of both particles, GeV; targets `mass`
        (n,) float32, the invariant mass in GeV, and `label` (n,) int64: 0 background, else the number of the resonance.
        """
        from bevatron.simulate.decays.two_body import boost, breit_wigner, decay_at_rest, isotropic

        start = perf_counter()
        random, n, limits = seed.generator(), options.events, options.mass_range
        is_signal = random.random(n) < options.signal
        labels = np.where(is_signal, random.integers(1, len(options.masses) + 1, n), 0)
        quantile = random.random(n)
        mass = limits[0] + quantile * (limits[1] - limits[0])
        for number, of_resonance in enumerate(options.masses, 1):
            rows = labels == number
            mass[rows] = breit_wigner(of_resonance, options.width, limits, quantile[rows])
        frames = {}
        for name in ("lab", "boosted"):
            # The axes of each frame are turned at random too: at rest a pair is a direction, and that is turned to any
            # other one.
            at_rest = decay_at_rest(mass, *options.products, isotropic(n, random))
            moving = boost(at_rest, isotropic(n, random), random.uniform(0.0, options.rapidity, n))
            frames[name] = moving.reshape(n, 8)
        samples = Samples(
            inputs={
                name: Group(Dense(values.astype(np.float32)), FEATURES, ("GeV",) * 8) for name, values in frames.items()
            },
            targets={"mass": mass.astype(np.float32), "label": labels.astype(np.int64)},
            id=event_ids(shard, n),
        )
        return samples, {"events": n, "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> int:
        """Number of events of a shard, for `bevatron plan`."""
        return options.events

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        return {"numpy": np.__version__}
