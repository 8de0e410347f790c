"""Galaxies and stars as a telescope on the ground sees them, drawn by GalSim."""

from dataclasses import dataclass

import numpy as np

BETA = 3.0  # exponent of the atmosphere's Moffat profile (A. Moffat, Astron. Astrophys. 3 (1969) 455)
INDICES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)  # of Sérsic profiles: GalSim keeps what it tabulated for each


@dataclass(frozen=True)
class ImageView:
    """The image's side in pixels, a pixel's side [arcsec], and the seeing's full width at half maximum [arcsec]."""

    size: int
    pixel_scale: float
    seeing: float


def draw_galaxies(parameters: np.ndarray, profile: str, indices: np.ndarray, view: ImageView) -> np.ndarray:
    """Clean images (n, size, size) float32, in counts.

    parameters (n, 4): half-light radii along the long and the short axis [arcsec], position angle of the long axis
    [rad], flux [counts], all before the seeing; indices (n,): of Sérsic profiles, read for profile 'sersic' alone.
    """
    import galsim

    psf = galsim.Moffat(beta=BETA, fwhm=view.seeing)
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
        galsim.Convolution(sheared, psf).withFlux(float(flux)).drawImage(image)
    return images


def draw_stars(parameters: np.ndarray, view: ImageView) -> np.ndarray:
    """Clean images (n, size, size) float32, in counts, of points seen through an atmosphere that changes.

    parameters (n, 2): half-light radius [arcsec], flux [counts].
    """
    import galsim

    images = np.zeros((len(parameters), view.size, view.size), np.float32)
    for k, (radius, flux) in enumerate(parameters):
        image = galsim.Image(images[k], scale=view.pixel_scale)
        galsim.Moffat(beta=BETA, half_light_radius=float(radius), flux=float(flux)).drawImage(image)
    return images


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
