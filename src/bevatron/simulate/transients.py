"""The same field on the sky in several exposures, drawn by GalSim: a galaxy, stars, and perhaps a transient."""

from dataclasses import dataclass

import numpy as np

from bevatron.simulate.sky import BETA


@dataclass(frozen=True)
class Field:
    """What a field contains. Lengths in pixels, positions from the middle of the image, to the right and up.

    radius, axis_ratio, angle [rad], flux [counts]: of a galaxy of exponential profile in the middle; stars
    (n_stars, 3): x, y, flux [counts] of points that are always there; transient (3,): of one that is in the last
    exposure alone, or None.
    """

    radius: float
    axis_ratio: float
    angle: float
    flux: float
    stars: np.ndarray
    transient: np.ndarray | None


def draw_exposures(field: Field, seeing: np.ndarray, shifts: np.ndarray, size: int) -> np.ndarray:
    """Images (exposures, size, size) float32 in counts, without noise.

    seeing (exposures,): full width at half maximum of each exposure's Moffat profile [pixels]; shifts (exposures, 2):
    how far the telescope's pointing moves everything in the image [pixels].
    """
    import galsim

    # Images as small as these need no Fourier transforms of 128 pixels a side, GalSim's smallest unless asked for less.
    small = galsim.GSParams(minimum_fft_size=32)
    galaxy = galsim.Exponential(half_light_radius=field.radius, flux=field.flux, gsparams=small)
    always = [galaxy.shear(q=field.axis_ratio, beta=field.angle * galsim.radians)]
    always += [galsim.DeltaFunction(flux=flux, gsparams=small).shift(x, y) for x, y, flux in field.stars.tolist()]
    images = np.zeros((len(seeing), size, size), np.float32)
    for k, (width, shift) in enumerate(zip(seeing.tolist(), shifts.tolist(), strict=True)):
        objects = list(always)
        if field.transient is not None and k == len(seeing) - 1:
            x, y, flux = field.transient.tolist()
            objects.append(galsim.DeltaFunction(flux=flux, gsparams=small).shift(x, y))
        psf = galsim.Moffat(beta=BETA, fwhm=width, gsparams=small)
        scene = galsim.Convolution(galsim.Sum(objects), psf).shift(*shift)
        scene.drawImage(galsim.Image(images[k], scale=1.0))
    return images
