"""The source `sky`: galaxies and stars, clean and with noise."""

from time import perf_counter
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import source
from bevatron.config.sections.section import MOST, Count, NonNegative, Positive, WithLaterKeys
from bevatron.simulate.event_ids import event_ids
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.store.shards.columns import Dense, Group, Samples

MIN_SIZE = 8  # pixels a side
Range = tuple[Positive, Positive]
Side = Annotated[int, Field(ge=MIN_SIZE, le=MOST, strict=True)]
Fraction = Annotated[float, Field(gt=0.0, le=1.0)]
MOST_ELLIPTIC = 0.5  # distortion of an atmosphere: an axis ratio of 0.58, far beyond any telescope's


@source("sky")
class Sky:
    """Each event is one galaxy and one star, in the middle of an image each, drawn by GalSim (B. Rowe et al., Astron.
    Comput. 10 (2015) 121).

    A galaxy is an ellipse of exponential profile (or of Sérsic's, whose index is drawn from a grid), with half-light
    radii along its two axes, a position angle and a flux, seen through an atmosphere of Moffat's profile. A star is a
    point whose Moffat profile, and flux, change from one to the next. The noise is Gaussian and the same in all pixels,
    as that of a bright sky is.

    On request centres are shifted by parts of a pixel, photons fluctuate as Poisson says, and the atmosphere changes
    its width and its ellipticity from image to image. Left out: neighbours, cosmic rays, colours, the sky's background
    (subtracted without error).
    """

    VERSION = 1

    class Options(kinds.Options, WithLaterKeys):
        LATER: ClassVar[tuple[str, ...]] = (
            "shift",
            "centred",
            "gain",
            "sky_level",
            "seeing_range",
            "psf_ellipticity",
        )

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
        shift: NonNegative = Field(
            default=0.0,
            description="largest shift of a centre from the image's middle along each axis, pixels; 0.5: anywhere in "
            "one pixel. The shifts are two more true parameters",
        )
        centred: bool = Field(
            default=False,
            description="the same objects without their shifts as well, as groups `galaxy_centred`, `star_centred`",
        )
        gain: Positive | None = Field(
            default=None,
            description="photo-electrons per count, whose number fluctuates as Poisson says, beside `noise`; default: "
            "photons do not fluctuate",
        )
        sky_level: NonNegative = Field(
            default=0.0, description="the sky's brightness in each pixel, counts, whose photons fluctuate too"
        )
        seeing_range: Range | None = Field(
            default=None,
            description="range of the galaxies' seeing, arcsec, which changes from image to image; default: `seeing`",
        )
        psf_ellipticity: Annotated[float, Field(ge=0.0, le=MOST_ELLIPTIC)] = Field(
            default=0.0,
            description="largest distortion |e| of the atmosphere of galaxies and stars, from image to image",
        )

        @model_validator(mode="after")
        def _ranges_rise(self) -> "Sky.Options":
            for name in ("radius", "axis_ratio", "flux", "star_radius", "star_flux", "seeing_range"):
                low, high = getattr(self, name) or (0.0, 1.0)
                if low >= high:
                    raise ValueError(f"{name}: must rise, found {low:g} and {high:g}")
            if 2 * self.radius[1] > self.size * self.pixel_scale / 2:
                side = self.size * self.pixel_scale
                raise ValueError(
                    f"radius: half of the light within {self.radius[1]:g} arcsec does not fit into images of "
                    f"{side:g} arcsec a side; four times the radius may be {side:g} at most"
                )
            return self

        @model_validator(mode="after")
        def _options_have_what_they_need(self) -> "Sky.Options":
            if self.centred and not self.shift:
                raise ValueError("centred: without a shift all images are; give shift, or leave centred out")
            if self.sky_level and self.gain is None:
                raise ValueError("sky_level: only its photons' fluctuations are seen; give gain as well")
            if self.shift > self.size / 4:
                raise ValueError(f"shift: must be at most a quarter of the image, found {self.shift:g} pixels")
            return self

        @property
        def changes_psf(self) -> bool:
            """Whether the atmosphere changes from image to image."""
            return self.seeing_range is not None or self.psf_ellipticity > 0

    def simulate(self, options: Options, shard: int, seed: ShardSeed) -> tuple[Samples, dict]:
        """Input groups `galaxy` and `star` (n, 1, size, size) float32 with noise, counts; targets of the same names
        without, `galaxy_parameters` (n, 4) float32: e1, e2, size [arcsec], flux [counts], `star_parameters` (n, 2):
        half-light radius [arcsec], flux [counts].

        With `shift` both have two more columns: the shift to the right and up [arcsec]. With `centred` there are inputs
        and targets `galaxy_centred` and `star_centred`, and their parameters without the shift. Where the atmosphere
        changes, `psf_parameters` (n, 3): e1, e2 of both, full width at half maximum [arcsec] of the galaxies'.
        """
        from bevatron.simulate.sky import INDICES, ImageView, draw_galaxies, draw_stars, smooth_parameters

        start = perf_counter()
        random, n = seed.generator(), options.events
        later = np.random.Generator(np.random.Philox(seed.own).jumped())  # so that options leave the rest as it is
        long = random.uniform(*options.radius, n)
        short = long * random.uniform(*options.axis_ratio, n)
        of_galaxies = np.stack([long, short, random.uniform(0.0, np.pi, n), random.uniform(*options.flux, n)], axis=1)
        indices = random.choice(INDICES, n)
        of_stars = np.stack([random.uniform(*options.star_radius, n), random.uniform(*options.star_flux, n)], axis=1)
        view = ImageView(options.size, options.pixel_scale, options.seeing)
        shifts = _draw_shifts(options, later)
        psfs = _draw_psfs(options, later)
        ellipticities = None if psfs is None else psfs[:, :2]

        def draw_both(name: str, shifts: dict[str, np.ndarray | None]) -> dict[str, np.ndarray]:
            return {
                f"galaxy{name}": draw_galaxies(of_galaxies, options.profile, indices, view, shifts["galaxy"], psfs),
                f"star{name}": draw_stars(of_stars, view, shifts["star"], ellipticities),
            }

        images = draw_both("", shifts)
        parameters = {"galaxy": smooth_parameters(of_galaxies), "star": of_stars}
        if options.centred:
            images |= draw_both("_centred", {"galaxy": None, "star": None})
            parameters |= {f"{name}_centred": values for name, values in parameters.items()}
        parameters |= {
            name: np.concatenate([parameters[name], shift], axis=1)
            for name, shift in shifts.items()
            if shift is not None
        }
        clean = {name: image[:, None] for name, image in images.items()}
        noisy = {name: _with_noise(image, options, random, later) for name, image in clean.items()}
        true = {f"{name}_parameters": values for name, values in parameters.items()}
        if psfs is not None:
            true["psf_parameters"] = psfs
        samples = Samples(
            inputs={name: Group(Dense(images), ("flux",), ("counts",)) for name, images in noisy.items()},
            targets=clean | {name: values.astype(np.float32) for name, values in true.items()},
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


def _draw_shifts(options: Sky.Options, random: np.random.Generator) -> dict[str, np.ndarray | None]:
    """Of galaxies and of stars, (events, 2) in arcsec; None without."""
    if not options.shift:
        return {"galaxy": None, "star": None}
    reach = options.shift * options.pixel_scale
    return {name: random.uniform(-reach, reach, (options.events, 2)) for name in ("galaxy", "star")}


def _draw_psfs(options: Sky.Options, random: np.random.Generator) -> np.ndarray | None:
    """E1, e2, full width at half maximum [arcsec] of each image's atmosphere, (events, 3); None where it is fixed."""
    from bevatron.simulate.sky import random_ellipticities

    if not options.changes_psf:
        return None
    n = options.events
    shapes = random_ellipticities(n, options.psf_ellipticity, random)
    widths = random.uniform(*options.seeing_range, n) if options.seeing_range else np.full(n, options.seeing)
    return np.concatenate([shapes, widths[:, None]], axis=1)


def _with_noise(
    clean: np.ndarray, options: Sky.Options, random: np.random.Generator, later: np.random.Generator
) -> np.ndarray:
    """Images (n, 1, size, size) as they are seen, float32."""
    from bevatron.simulate.sky import add_photon_noise

    seen = clean if options.gain is None else add_photon_noise(clean, options.gain, options.sky_level, later)
    return (seen + options.noise * random.standard_normal(clean.shape)).astype(np.float32)
