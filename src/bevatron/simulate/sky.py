"""Galaxies and stars as a telescope on the ground sees them, drawn by GalSim."""

from dataclasses import dataclass
from typing import Any

import numpy as np

BETA = 3.0  # exponent of the atmosphere's Moffat profile (A. Moffat, Astron. Astrophys. 3 (1969) 455)
INDICES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # of Sérsic profiles: GalSim keeps what it tabulated for each


@dataclass(frozen=True)
class ImageView:
    """The image's side in pixels, a pixel's side [arcsec], and the seeing's full width at half maximum [arcsec]."""

    size: int
    pixel_scale: float
    seeing: float


def draw_galaxies(
    parameters: np.ndarray,
    profile: str,
    indices: np.ndarray,
    view: ImageView,
    shifts: np.ndarray | None = None,
    psfs: np.ndarray | None = None,
) -> np.ndarray:
    """Clean images (n, size, size) float32, in counts.

    parameters (n, 4): half-light radii along the long and the short axis [arcsec], position angle of the long axis
    [rad], flux [counts], all before the seeing; indices (n,): of Sérsic profiles, read for profile 'sersic' alone.
    shifts (n, 2): of the centre from the image's middle, to the right and up [arcsec]; None: none. psfs (n, 3): e1, e2
    and full width at half maximum [arcsec] of each image's atmosphere, e as in `smooth_parameters`; None: round, of
    the view's seeing.
    """
    import galsim

    constant = galsim.Moffat(beta=BETA, fwhm=view.seeing)
    fine = galsim.GSParams(maximum_fft_size=8192)
    images = np.zeros((len(parameters), view.size, view.size), np.float32)
    for k, (long, short, angle, flux) in enumerate(parameters):
        radius = float(np.sqrt(long * short))  # a shear keeps the area
        if profile == "exponential":
            shape = galsim.Exponential(half_light_radius=radius, gsparams=fine)
        else:
            shape = galsim.Sersic(float(indices[k]), half_light_radius=radius, gsparams=fine)
        sheared = shape.shear(q=float(short / long), beta=float(angle) * galsim.radians)
        image = galsim.Image(images[k], scale=view.pixel_scale)
        psf = constant
        if psfs is not None:
            e1, e2, width = map(float, psfs[k])
            psf = galsim.Moffat(beta=BETA, fwhm=width).shear(e1=e1, e2=e2)
        seen = galsim.Convolution(sheared, psf).withFlux(float(flux))
        _moved(seen, k, shifts).drawImage(image)
    return images


def draw_stars(
    parameters: np.ndarray,
    view: ImageView,
    shifts: np.ndarray | None = None,
    ellipticities: np.ndarray | None = None,
) -> np.ndarray:
    """Clean images (n, size, size) float32, in counts, of points seen through an atmosphere that changes.

    parameters (n, 2): half-light radius [arcsec], flux [counts]. shifts as for `draw_galaxies`; ellipticities (n, 2):
    e1 and e2 of the atmosphere, which keep its area; None: round.
    """
    import galsim

    images = np.zeros((len(parameters), view.size, view.size), np.float32)
    for k, (radius, flux) in enumerate(parameters):
        image = galsim.Image(images[k], scale=view.pixel_scale)
        seen = galsim.Moffat(beta=BETA, half_light_radius=float(radius), flux=float(flux))
        if ellipticities is not None:
            seen = seen.shear(e1=float(ellipticities[k, 0]), e2=float(ellipticities[k, 1]))
        _moved(seen, k, shifts).drawImage(image)
    return images


def add_photon_noise(clean: np.ndarray, gain: float, sky_level: float, random: np.random.Generator) -> np.ndarray:
    """Images (...) in counts of which every pixel's photo-electrons are drawn from Poisson's distribution, float64.

    A pixel of c counts, on a sky of `sky_level` counts that is subtracted without error, has gain · (c + sky_level)
    photo-electrons on average; the variance of its counts is (c + sky_level) / gain. Drawing by Fourier transforms may
    leave pixels a little below zero, which then have no electrons.
    """
    electrons = gain * np.maximum(clean.astype(np.float64) + sky_level, 0.0)
    return random.poisson(electrons) / gain - sky_level


def random_ellipticities(n: int, largest: float, random: np.random.Generator) -> np.ndarray:
    """e1, e2 (n, 2), uniform over the disc |e| ≤ largest."""
    size, angle = largest * np.sqrt(random.random(n)), random.uniform(0.0, 2 * np.pi, n)
    return np.stack([size * np.cos(angle), size * np.sin(angle)], axis=1)


def smooth_parameters(parameters: np.ndarray) -> np.ndarray:
    """Turns the parameters (n, 4) of `draw_galaxies` into e1, e2, size [arcsec], flux [counts].

    These change smoothly when the galaxy turns.
    e = (1 - q²) / (1 + q²), q the axes' ratio, e1 = e cos 2φ, e2 = e sin 2φ (the field's distortion); size is the
    geometric mean of the two half-light radii.
    """
    long, short, angle, flux = parameters.T
    q = short / long
    e = (1 - q**2) / (1 + q**2)
    return np.stack([e * np.cos(2 * angle), e * np.sin(2 * angle), np.sqrt(long * short), flux], axis=1)


def _moved(seen: Any, k: int, shifts: np.ndarray | None) -> Any:
    """What is seen in image k, a GalSim object, with its centre moved."""
    return seen if shifts is None else seen.shift(float(shifts[k, 0]), float(shifts[k, 1]))
