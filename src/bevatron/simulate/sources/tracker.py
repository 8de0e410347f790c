"""The source `tracker`: hits in successive layers of pixels, of one track or of many."""

from time import perf_counter
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, Fraction, NonNegative, Positive
from bevatron.simulate.event_ids import event_ids
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Samples, SparseImages

Layers = Annotated[int, Field(ge=2, le=6, strict=True)]
Side = Annotated[int, Field(ge=8, le=128, strict=True)]
Angle = Annotated[float, Field(ge=0.0, le=0.05)]
Noise = Annotated[float, Field(ge=0.0, le=2.0)]


@source("tracker")
class TrackerHits:
    """Each event is a small window around a bundle of tracks, such as the core of a jet, in parallel layers of pixels
    within a magnetic field. All hits of an event but noise are of one track, or those of each layer are of another
    track of the bundle.

    Tracks are helices with multiple scattering (Highland's formula). A pixel is hit or not; crossings are seen with an
    efficiency, and noise is uniform. Layer by layer both classes have the same distribution of hits: what differs is
    whether the hits line up. The log likelihood ratio sums over all assignments of hits to tracks, with normal
    distributions of the crossings (`bevatron.simulate.tracker.likelihood`). Left out: energy loss, charge shared
    between pixels, nuclear interactions, misalignment.
    """

    VERSION = 1

    class Options(kinds.Options):
        events: Count = Field(default=5_000, description="events in each shard, the two classes in turn")
        layers: Layers = Field(default=4, description="successive layers of pixels")
        size: Side = Field(default=12, description="pixels a side of the window in each layer")
        spacing: Positive = Field(default=20.0, description="distance between layers, mm")
        pitch: Positive = Field(default=0.1, description="a pixel's side, mm")
        field: NonNegative = Field(default=2.0, description="magnetic field along the columns, T")
        min_pt: Positive = Field(default=2.0, description="smallest pt of the tracks, whose 1/pt is uniform, GeV")
        thickness: Fraction = Field(default=0.02, description="of a layer, in radiation lengths")
        centre: NonNegative = Field(default=0.1, description="standard deviation of a bundle's centre, mm")
        offset: NonNegative = Field(default=0.12, description="standard deviation of a track about the centre, mm")
        angle: Angle = Field(default=0.004, description="standard deviation of a track's slope, rad")
        efficiency: Fraction = Field(default=0.97, description="probability that a layer sees a crossing")
        noise: Noise = Field(default=0.5, description="mean number of noise hits in the window of a layer")

        @model_validator(mode="after")
        def _tracks_cross_all_layers(self) -> "TrackerHits.Options":
            reach = 0.2998 * self.field / self.min_pt / 1000.0 * self.spacing * (self.layers - 1) / 2
            if reach > 0.5:
                raise ValueError(
                    f"min_pt: tracks of {self.min_pt:g} GeV turn by more than 30° inside of the layers; raise it, or "
                    "lower field or spacing"
                )
            spread = (self.centre**2 + self.offset**2 + (self.angle * self.spacing * (self.layers - 1) / 2) ** 2) ** 0.5
            if 2 * spread > self.size * self.pitch / 2:
                raise ValueError(
                    f"size: windows of {self.size * self.pitch:g} mm a side do not hold bundles whose tracks spread by "
                    f"{spread:.3g} mm in the outer layers; four times the spread is the least"
                )
            return self

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """Input group `hits` (n, layers, size, size): sparse images, 1 in pixels that are hit; input group `likelihood`
        (n, 1): log likelihood ratio of one track to many; target `class` (n,): 0 many, 1 track.
        """
        from bevatron.simulate.tracker.geometry import Tracker
        from bevatron.simulate.tracker.hits import draw_hits
        from bevatron.simulate.tracker.likelihood import log_likelihood_ratios

        start = perf_counter()
        names = ("layers", "size", "spacing", "pitch", "field", "thickness", "centre", "offset", "angle", "min_pt")
        tracker = Tracker(**{name: getattr(options, name) for name in names})
        n, label = options.events, np.arange(options.events) % 2
        hits = draw_hits(seed.generator(), tracker, label == 1, options.efficiency, options.noise)
        ratios = log_likelihood_ratios(tracker, hits, n, options.efficiency, options.noise)
        pixel = (hits.layer * options.size + hits.row) * options.size + hits.column
        shape = (options.layers, options.size, options.size)
        images = SparseImages(
            pixel.astype(np.int32),
            np.ones(len(pixel), np.float32),
            np.searchsorted(hits.event, np.arange(n + 1)).astype(np.int64),
            shape,
        )
        channels = tuple(f"layer_{k + 1}" for k in range(options.layers))
        samples = Samples(
            inputs={
                "hits": Group(images, channels, ("",) * options.layers),
                "likelihood": Group(Dense(ratios[:, None].astype(np.float32)), ("track",), ("",)),
            },
            targets={"class": label},
            id=event_ids(shard, n),
        )
        return samples, {"events": n, "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> int:
        """Number of events of a shard, for `bevatron plan`."""
        return options.events

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        return {"numpy": np.__version__}
