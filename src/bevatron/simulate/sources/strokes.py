"""The source `strokes`: images of short lines and edges, of which each has one orientation of several."""

from time import perf_counter

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, Fraction, Integer, Positive, Real
from bevatron.simulate.event_ids import event_ids
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Samples


@source("strokes")
class Strokes:
    """Lines, which are bright, and edges, which are bright on one side and dark on the other, at random places.

    Class k has the orientation k · 180° / `orientations`, counter-clockwise from horizontal. A sparse image has one
    stroke, of its class. A dense one has many, `own` of its class and `others` of each other class, so that only their
    number tells the class. There is no noise; the recipe adds it. Training, validation and test images are separate
    draws (target `split`: 0 train, 1 val, 2 test). The counts are those of one shard.
    """

    VERSION = 1

    class Options(kinds.Options):
        train: Count = Field(default=2_000, description="images to learn from, in each shard")
        val: Count = Field(default=500, description="images for early stopping and search, in each shard")
        test: Count = Field(default=2_000, description="images never seen before evaluation, in each shard")
        side: Count = Field(default=12, description="pixels of an image's side")
        orientations: Integer = Field(default=4, ge=2, description="number of orientations, one for each class")
        length: Positive = Field(default=5.0, description="length of a stroke [pixels]")
        width: Real = Field(
            default=0.7, ge=0.1, allow_inf_nan=False, description="standard deviation of a line across [pixels]"
        )
        edges: Fraction = Field(default=0.5, description="fraction of the strokes that are edges, not lines")
        own: Count = Field(default=4, description="strokes of its class in a dense image")
        others: Integer = Field(default=2, ge=0, description="strokes of each other class in a dense image")

        @model_validator(mode="after")
        def _strokes_fit(self) -> "Strokes.Options":
            if self.length >= self.side:
                raise ValueError(f"length: a stroke of {self.length:g} pixels does not fit into {self.side}")
            return self

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """One shard: input groups `sparse` and `dense` (n, 1, side, side) float32, of which a line has the height 1 and
        an edge goes from -1 to 1; targets `orientation` and `split` (n,) int64.
        """
        start = perf_counter()
        counts = np.array([options.train, options.val, options.test])
        total, random = int(counts.sum()), seed.generator()
        label = random.integers(0, options.orientations, total)
        many = [(k, options.own if k == 0 else options.others) for k in range(options.orientations)]
        images = {
            "sparse": _draw(options, label[:, None], random),
            "dense": _draw(options, np.concatenate([np.stack([label + k] * n, 1) for k, n in many if n], 1), random),
        }
        samples = Samples(
            inputs={name: Group(Dense(values), ("intensity",), ("",)) for name, values in images.items()},
            targets={"orientation": label, "split": np.repeat(np.arange(3), counts)},
            id=event_ids(shard, total),
        )
        return samples, {"events": total, "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> dict[str, int]:
        """Number of images of a shard by split, for `bevatron plan`."""
        return {"train": options.train, "val": options.val, "test": options.test}

    def image_shape(self, options: Options) -> tuple[int, int, int]:
        """(channels, height, width), for `bevatron plan`."""
        return (1, options.side, options.side)

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        return {"numpy": np.__version__}


def _draw(options: Strokes.Options, label: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Images (n, 1, side, side) float32 with a stroke for each of `label` (n, strokes), which may count on past the
    last class.
    """
    n, strokes = label.shape
    side, half = options.side, options.length / 2
    centres = random.uniform(half - 0.5, side - 0.5 - half, (n, strokes, 2))
    is_edge = random.random((n, strokes)) < options.edges
    sign = np.where(random.random((n, strokes)) < 0.5, -1.0, 1.0)
    angle = (label % options.orientations) * np.pi / options.orientations
    row, column = np.mgrid[:side, :side]
    images = np.zeros((n, side, side))
    for k in range(strokes):  # one after the other, for all together are large
        x, y = (column - centres[:, k, 0, None, None]), (centres[:, k, 1, None, None] - row)  # y upwards
        cos, sin = np.cos(angle[:, k, None, None]), np.sin(angle[:, k, None, None])
        along, across = cos * x + sin * y, (cos * y - sin * x) / options.width
        beyond = np.maximum(np.abs(along) - half, 0.0) / options.width
        height = np.exp(-(across**2 + beyond**2) / 2)
        # The derivative of the line's profile, which is ±1 at ±width.
        edge = sign[:, k, None, None] * np.sqrt(np.e) * across
        images += np.where(is_edge[:, k, None, None], edge, 1.0) * height
    return images.astype(np.float32)[:, None]
