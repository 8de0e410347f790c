"""The recipe `regions`: points of two classes in a plane that no single line separates."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Name, NonNegative, Positive, Section
from bevatron.errors import UserError
from bevatron.prepare.columns import values_of
from bevatron.store.shards.columns import Dense, Group, Samples


class Xor(Section):
    """The exclusive or with noise: class 1 where the signs of x1 and x2 differ, class 0 where they are equal.

    Normal distributions of width 1 around (±distance, ±distance), all four with as many points.
    """

    kind: Literal["xor"] = Field(description="the shape's name")
    distance: Positive = Field(default=3.0, description="of each centre from both axes, in standard deviations")

    def place(self, z: np.ndarray, label: np.ndarray, number: np.ndarray) -> np.ndarray:
        """Points (n, 2) from standard normal z (n, 2), classes label (n,), and the points' numbers within the shard."""
        side = np.where(number // 2 % 2 == 0, 1.0, -1.0)  # classes alternate from one point to the next
        centre = np.stack([side, np.where(label == 0, side, -side)], axis=1)
        return self.distance * centre + z


class Ring(Section):
    """Class 1 in a disc around the origin, class 0 in a ring around it, both with equal density everywhere."""

    kind: Literal["ring"] = Field(description="the shape's name")
    disc: Positive = Field(default=1.0, description="radius of the disc")
    inner: NonNegative = Field(default=1.25, description="inner radius of the ring")
    outer: Positive = Field(default=2.0, description="outer radius of the ring")

    @model_validator(mode="after")
    def _is_a_ring(self) -> "Ring":
        if self.inner >= self.outer:
            raise ValueError(f"outer: must be above inner, found {self.outer:g} and {self.inner:g}")
        return self

    def place(self, z: np.ndarray, label: np.ndarray, number: np.ndarray) -> np.ndarray:
        """Points (n, 2) from standard normal z (n, 2) and classes label (n,).

        1 - exp(-|z|²/2) is uniform in [0, 1), and so the fraction of the area within the point; z gives the direction.
        """
        square = (z**2).sum(axis=1)
        within = -np.expm1(-square / 2)
        low, high = np.where(label == 1, 0.0, self.inner) ** 2, np.where(label == 1, self.disc, self.outer) ** 2
        radius = np.sqrt(low + within * (high - low))
        return z * (radius / np.sqrt(np.maximum(square, np.finfo(np.float64).tiny)))[:, None]


Shape = Annotated[Xor | Ring, Field(discriminator="kind")]


@recipe("regions")
class RegionSamples:
    """One input group (n, 2) float32 for each of `shapes`, of features x1 and x2; target `class` (n,) int64.

    All shapes are made of the same points z of the source `gaussians`.
    """

    VERSION = 1

    class Options(kinds.Options):
        shapes: dict[Name, Shape] = Field(description="by name of the input group, where the points are", min_length=1)

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `gaussians` with two classes; nothing is random, and nothing else is used."""
        z = values_of(raw, "draw").astype(np.float64)
        label = raw.targets["class"]
        if label.max(initial=0) > 1:
            what = f"is {label.max() + 1}; the recipe 'regions' has two classes"
            raise UserError("simulation.source.classes", what, "set it to 2")
        number = (raw.id & np.uint64((1 << 40) - 1)).astype(np.int64)
        groups = {
            name: Group(Dense(shape.place(z, label, number).astype(np.float32)), ("x1", "x2"), ("", ""))
            for name, shape in options.shapes.items()
        }
        return Samples(groups, {"class": label}, raw.id)
