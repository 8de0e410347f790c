"""The recipe `gaussians`: clouds of points in a plane, with the means and covariances of the study file."""

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.config.sections.section import Name, Section
from bevatron.prepare.columns import values_of
from bevatron.store.shards.columns import Dense, Group, Samples

Pair = tuple[float, float]


class Clouds(Section):
    """The normal distributions of the classes, in the order of their numbers."""

    means: list[Pair] = Field(description="mean of each class", min_length=2)
    covariances: list[tuple[Pair, Pair]] = Field(
        description="covariance of each class, or a single one for all", min_length=1
    )

    @model_validator(mode="after")
    def _are_covariances(self) -> "Clouds":
        if len(self.covariances) not in (1, len(self.means)):
            raise ValueError(f"covariances: expected 1 or {len(self.means)}, found {len(self.covariances)}")
        for matrix in self.covariances:
            (a, b), (c, d) = matrix
            if b != c or a <= 0 or a * d - b * c <= 0:
                raise ValueError(f"covariances: must be symmetric and positive definite, found {matrix}")
        return self


@recipe("gaussians")
class GaussianSamples:
    """One input group (n, 2) float32 for each of `clouds`, of features x1 and x2; target `class` (n,) int64.

    A point is μ + L z with the class' mean μ and the Cholesky factor L of its covariance. The same z serves all clouds.
    """

    VERSION = 1

    class Options(kinds.Options):
        clouds: dict[Name, Clouds] = Field(description="by name of the input group, where the points lie", min_length=1)

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `gaussians`; nothing is random, and nothing else is used."""
        z = values_of(raw, "draw").astype(np.float64)
        label = raw.targets["class"]
        groups = {}
        for name, clouds in options.clouds.items():
            points = np.empty_like(z)
            for number, mean in enumerate(clouds.means):
                covariance = clouds.covariances[number if len(clouds.covariances) > 1 else 0]
                of_class = label == number
                points[of_class] = mean + z[of_class] @ np.linalg.cholesky(np.array(covariance)).T
            groups[name] = Group(Dense(points.astype(np.float32)), ("x1", "x2"), ("", ""))
        return Samples(groups, {"class": label}, raw.id)
