"""The source `shapes`: small colour images of ten classes that differ in shape, texture and colour."""

from time import perf_counter
from typing import Annotated

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, Integer, Real
from bevatron.simulate.event_ids import event_ids
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Samples

MOST_NOISE = 0.02  # of more, pixels would leave [0, 1] and had to be cut, which would tell colours apart in grey


@source("shapes")
class Shapes:
    """One object in each image of 32 × 32 pixels in red, green and blue. The ten classes differ in shape (disc, square,
    triangle, star), texture (plain, striped, chequered) and colour (red, green, blue), some pairs in one of the three
    alone.

    Place, size, rotation, brightness, light, white balance, hue, background, clutter and noise change from image to
    image, in the same way for all classes. The colour is in the part of a pixel that leaves its brightness, 0.299 red +
    0.587 green + 0.114 blue, as it is: grey images say nothing of it. Three pairs of classes differ in colour alone, so
    that no classifier of grey images is right more often than in 7 of 10 cases.
    """

    VERSION = 1

    class Options(kinds.Options):
        events: Count = Field(default=5_000, description="images in each shard; the classes are equally frequent")
        clutter: Integer = Field(
            default=3, ge=0, le=50, description="small discs of any colour behind the object, in each image"
        )
        noise: Annotated[Real, Field(ge=0.0, le=MOST_NOISE)] = Field(
            default=0.02, description="standard deviation of the Gaussian noise of each colour of a pixel, cut at three"
        )

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """Input group `image` (n, 3, 32, 32) float32 from 0 to 1; target `label` (n,) int64."""
        from bevatron.simulate.shapes.classes import CLASSES
        from bevatron.simulate.shapes.drawing import draw_shapes
        from bevatron.simulate.shapes.nuisances import draw_nuisances

        start = perf_counter()
        random, n = seed.generator(), options.events
        labels = random.permutation(np.arange(n) % len(CLASSES)).astype(np.int64)
        images = draw_shapes(labels, draw_nuisances(n, options.clutter, random), options.noise)
        samples = Samples(
            inputs={"image": Group(Dense(images), ("red", "green", "blue"), ("",) * 3)},
            targets={"label": labels},
            id=event_ids(shard, n),
        )
        return samples, {"events": n, "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> int:
        """Number of images of a shard, for `bevatron plan`."""
        return options.events

    def image_shape(self, options: Options) -> tuple[int, int, int]:
        """(channels, height, width), for `bevatron plan`."""
        return (3, 32, 32)

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        return {"numpy": np.__version__}
