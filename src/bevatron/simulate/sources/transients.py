"""The source `transients`: repeated exposures of galaxies, in half of which a supernova appears."""

from time import perf_counter
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import Count, NonNegative, Positive
from bevatron.simulate.event_ids import event_ids
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Samples

Range = tuple[Positive, Positive]
Exposures = Annotated[int, Field(ge=2, le=20, strict=True)]
Side = Annotated[int, Field(ge=12, le=256, strict=True)]
Stars = Annotated[int, Field(ge=0, le=20, strict=True)]


@source("transients")
class Transients:
    """Each event is one field in several exposures, drawn by GalSim (B. Rowe et al., Astron. Comput. 10 (2015) 121): a
    galaxy, 0 to `stars` stars in front of it, and in half of the fields a supernova in the last exposure.

    Between exposures the seeing, the noise and the pointing change, the latter by parts of a pixel. Stars and
    supernovae are points whose positions and fluxes have the same distribution, so that one image cannot tell which is
    which. As for the source `sky`, profiles are exponential and Moffat's, and the noise is Gaussian. Left out: light
    curves, variable stars, cosmic rays, changes of transparency, errors of the background subtraction.
    """

    VERSION = 1

    class Options(kinds.Options):
        events: Count = Field(default=2_000, description="fields in each shard, with and without a transient in turn")
        exposures: Exposures = Field(default=3, description="images of each field")
        size: Side = Field(default=20, description="pixels a side")
        seeing: Range = Field(default=(2.4, 3.6), description="range of the full width at half maximum, pixels")
        noise: Range = Field(default=(0.8, 1.2), description="range of the noise's standard deviation, counts")
        shift: NonNegative = Field(default=0.5, description="largest shift of an exposure along each axis, pixels")
        radius: Range = Field(default=(1.5, 3.0), description="range of the galaxy's half-light radius, pixels")
        axis_ratio: tuple[Positive, Positive] = Field(default=(0.4, 1.0), description="range of short over long axis")
        flux: Range = Field(default=(100.0, 400.0), description="range of the galaxy's flux, counts")
        stars: Stars = Field(default=2, description="largest number of stars; all numbers are equally frequent")
        point_flux: Range = Field(default=(20.0, 80.0), description="range of a star's or supernova's flux, counts")
        point_radius: Positive = Field(
            default=5.0, description="largest distance of stars and supernovae from the galaxy's centre, pixels"
        )

        @model_validator(mode="after")
        def _ranges_rise(self) -> "Transients.Options":
            for name in ("seeing", "noise", "radius", "axis_ratio", "flux", "point_flux"):
                low, high = getattr(self, name)
                if low >= high:
                    raise ValueError(f"{name}: must rise, found {low:g} and {high:g}")
            if self.axis_ratio[1] > 1.0:
                raise ValueError(f"axis_ratio: at most 1, found {self.axis_ratio[1]:g}")
            if self.seeing[0] < 1.0 or self.seeing[1] > self.size / 2:
                raise ValueError(
                    f"seeing: from 1 pixel, below which an image is not sampled, to half a side, {self.size / 2:g}; "
                    f"found {self.seeing[0]:g} and {self.seeing[1]:g}"
                )
            if self.radius[1] > self.size / 4:
                raise ValueError(
                    f"radius: half of the light within {self.radius[1]:g} pixels does not fit into images of "
                    f"{self.size} pixels a side; at most {self.size / 4:g}"
                )
            if self.point_radius + self.shift > self.size / 2 - 1:
                raise ValueError(
                    f"point_radius: points up to {self.point_radius + self.shift:g} pixels from the middle do not fit "
                    f"into images of {self.size} pixels a side"
                )
            return self

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """Input groups `images` (n, exposures, size, size) float32 in counts; of each exposure `seeing` and `noise`
        (n, exposures), `shift` (n, 2 × exposures: x and y of the first, of the second, ...); targets `class` (n,):
        0 none, 1 transient; `transient` (n, 3) float32: x, y [pixels from the middle] and flux [counts], 0 without one.
        """
        from bevatron.simulate.transients import Field as SkyField
        from bevatron.simulate.transients import draw_exposures

        start = perf_counter()
        random, n, d = seed.generator(), options.events, options.exposures
        label = np.arange(n) % 2
        seeing, noise = random.uniform(*options.seeing, (n, d)), random.uniform(*options.noise, (n, d))
        shift = random.uniform(-options.shift, options.shift, (n, d, 2))
        galaxies = [random.uniform(*r, n) for r in (options.radius, options.axis_ratio, (0.0, np.pi), options.flux)]
        n_stars = random.integers(0, options.stars + 1, n)
        points = _draw_points(random, (n, options.stars + 1), options)
        images = np.empty((n, d, options.size, options.size), np.float32)
        for k in range(n):
            field = SkyField(
                *(float(values[k]) for values in galaxies),
                stars=points[k, 1 : n_stars[k] + 1],
                transient=points[k, 0] if label[k] else None,
            )
            images[k] = draw_exposures(field, seeing[k], shift[k], options.size)
        images += noise[:, :, None, None] * random.standard_normal(images.shape)
        names = [f"exposure_{k + 1}" for k in range(d)]
        axes = [f"{name}_{axis}" for name in names for axis in "xy"]

        def group(values: np.ndarray, features: list[str], unit: str) -> Group:
            return Group(Dense(values.astype(np.float32)), tuple(features), (unit,) * len(features))

        samples = Samples(
            inputs={
                "images": group(images, names, "counts"),
                "seeing": group(seeing, names, "pixels"),
                "noise": group(noise, names, "counts"),
                "shift": group(shift.reshape(n, 2 * d), axes, "pixels"),
            },
            targets={"class": label, "transient": (points[:, 0] * label[:, None]).astype(np.float32)},
            id=event_ids(shard, n),
        )
        return samples, {"events": n, "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> int:
        """Number of fields of a shard, for `bevatron plan`."""
        return options.events

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        from importlib.metadata import version

        return {"galsim": version("galsim"), "numpy": np.__version__}


def _draw_points(random: np.random.Generator, shape: tuple[int, int], options: Transients.Options) -> np.ndarray:
    """x, y, uniform over a disc, and flux of points: (*shape, 3)."""
    radius = options.point_radius * np.sqrt(random.random(shape))
    phi = random.uniform(0.0, 2 * np.pi, shape)
    return np.stack([radius * np.cos(phi), radius * np.sin(phi), random.uniform(*options.point_flux, shape)], axis=2)
