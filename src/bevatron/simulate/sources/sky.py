"""The source `sky`: galaxies and stars, clean and with noise."""

from time import perf_counter
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import MOST, Count, NonNegative, Positive
from bevatron.simulate.event_ids import event_ids
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Samples

MIN_SIZE = 8  # pixels a side
Range = tuple[Positive, Positive]
Side = Annotated[int, Field(ge=MIN_SIZE, le=MOST, strict=True)]
Fraction = Annotated[float, Field(gt=0.0, le=1.0)]


@source("sky")
class Sky:
    """Each event is one galaxy and one star, in the middle of an image each, drawn by GalSim (B. Rowe et al., Astron.
    Comput. 10 (2015) 121).

    A galaxy is an ellipse of exponential profile (or of Sérsic's, whose index is drawn from a grid), with half-light
    radii along its two axes, a position angle and a flux, seen through an atmosphere of Moffat's profile. A star is a
    point whose Moffat profile, and flux, change from one to the next. The noise is Gaussian and the same in all pixels,
    as that of a bright sky is. Left out: neighbours, cosmic rays, shifts by parts of a pixel, colours, the sky's
    background (subtracted without error).
    """

    VERSION = 1

    class Options(kinds.Options):
        events: Count = Field(default=5_000, description="galaxies, and as many stars, in each shard")
        size: Side = Field(default=32, description="pixels a side")
        pixel_scale: Positive = Field(default=0.5, description="a pixel's side, arcsec")
        seeing: Positive = Field(
            default=1.0, description="full width at half maximum of the galaxies' atmosphere, arcsec"
        )
        profile: Literal["exponential", "sersic"] = Field(default="exponential", description="of the galaxies")
        radius: Range = Field(
            default=(1.2, 2.4), description="range of the half-light radius along the long axis, arcsec"
        )
        axis_ratio: tuple[Fraction, Fraction] = Field(
            default=(0.3, 1.0), description="range of the short axis over the long one"
        )
        flux: Range = Field(default=(100.0, 400.0), description="range of the galaxies' flux, counts")
        star_radius: Range = Field(default=(0.5, 1.5), description="range of the stars' half-light radius, arcsec")
        star_flux: Range = Field(default=(50.0, 200.0), description="range of the stars' flux, counts")
        noise: NonNegative = Field(default=1.0, description="standard deviation of the noise in each pixel, counts")

        @model_validator(mode="after")
        def _ranges_rise(self) -> "Sky.Options":
            for name in ("radius", "axis_ratio", "flux", "star_radius", "star_flux"):
                low, high = getattr(self, name)
                if low >= high:
                    raise ValueError(f"{name}: must rise, found {low:g} and {high:g}")
            if 2 * self.radius[1] > self.size * self.pixel_scale / 2:
                side = self.size * self.pixel_scale
                raise ValueError(
                    f"radius: half of the light within {self.radius[1]:g} arcsec does not fit into images of "
                    f"{side:g} arcsec a side; four times the radius may be {side:g} at most"
                )
            return self

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """Input groups `galaxy` and `star` (n, 1, size, size) float32 with noise, counts; targets of the same names
        without, `galaxy_parameters` (n, 4) float32: e1, e2, size [arcsec], flux [counts], `star_parameters` (n, 2):
        half-light radius [arcsec], flux [counts].
        """
        from bevatron.simulate.sky import INDICES, ImageView, draw_galaxies, draw_stars, smooth_parameters

        start = perf_counter()
        random, n = seed.generator(), options.events
        long = random.uniform(*options.radius, n)
        short = long * random.uniform(*options.axis_ratio, n)
        of_galaxies = np.stack([long, short, random.uniform(0.0, np.pi, n), random.uniform(*options.flux, n)], axis=1)
        indices = random.choice(INDICES, n)
        of_stars = np.stack([random.uniform(*options.star_radius, n), random.uniform(*options.star_flux, n)], axis=1)
        view = ImageView(options.size, options.pixel_scale, options.seeing)
        clean = {
            "galaxy": draw_galaxies(of_galaxies, options.profile, indices, view)[:, None],
            "star": draw_stars(of_stars, view)[:, None],
        }
        noisy = {
            name: (images + options.noise * random.standard_normal(images.shape)).astype(np.float32)
            for name, images in clean.items()
        }
        parameters = {"galaxy_parameters": smooth_parameters(of_galaxies), "star_parameters": of_stars}
        samples = Samples(
            inputs={name: Group(Dense(images), ("flux",), ("counts",)) for name, images in noisy.items()},
            targets=clean | {name: values.astype(np.float32) for name, values in parameters.items()},
            id=event_ids(shard, n),
        )
        return samples, {"events": n, "seconds_in_generator": perf_counter() - start}

    def events(self, options: Options) -> int:
        """Number of events of a shard, for `bevatron plan`."""
        return options.events

    def versions(self) -> dict[str, str]:
        """Versions of the software that the samples depend on, by package."""
        from importlib.metadata import version

        return {"galsim": version("galsim"), "numpy": np.__version__}
