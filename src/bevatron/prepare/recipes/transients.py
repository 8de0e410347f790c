"""The recipe `transients`: exposures of a field stacked to an image, and what difference images show."""

from typing import Annotated

import numpy as np
from pydantic import Field

from bevatron.config.loading import kinds
from bevatron.config.loading.kinds import recipe
from bevatron.prepare.columns import values_of
from bevatron.store.shards.columns import Dense, Group, Samples

Radius = Annotated[float, Field(ge=1.0, le=1e6)]  # pixels, of which one at least is searched
ROWS = 512  # fields whose Fourier transforms are in memory at once


@recipe("transients")
class TransientImages:
    """Input groups `stack` (n, exposures, size, size), a channel for each exposure in the order of time; `pair`
    (n, 2, size, size), the last two; `last` (n, 1, size, size), the last alone, all in counts; and `difference` (n, 2):
    the largest significance of a new point by the plain difference of the last exposure and the mean of the others, and
    by the optimal one, which knows PSF, noise and shift of each exposure (`bevatron.prepare.subtraction`). Target
    `class`.
    """

    VERSION = 1

    class Options(kinds.Options):
        search_radius: Radius = Field(
            default=6.0, description="distance from the middle up to which the largest significance is searched, pixels"
        )

    def prepare(self, options: Options, raw: Samples, seed: int, training: np.ndarray) -> Samples:
        """`raw` is a shard of the source `transients`; nothing is random, and nothing else is used."""
        images, stack = values_of(raw, "images"), raw.inputs["images"]
        seeing, noise, shift = (values_of(raw, name) for name in ("seeing", "noise", "shift"))
        parts = [slice(k, k + ROWS) for k in range(0, len(raw), ROWS)]
        peaks = [_find_peaks(images[rows], seeing[rows], noise[rows], shift[rows], options) for rows in parts]
        last = slice(images.shape[1] - 1, None)

        def part(channels: slice) -> Group:
            return Group(Dense(images[:, channels]), stack.features[channels], stack.units[channels])

        inputs = {
            "stack": stack,
            "pair": part(slice(images.shape[1] - 2, None)),
            "last": part(last),
            "difference": Group(Dense(np.concatenate(peaks)), ("plain", "optimal"), ("", "")),
        }
        return Samples(inputs, {"class": raw.targets["class"]}, raw.id)


def _find_peaks(
    images: np.ndarray, seeing: np.ndarray, noise: np.ndarray, shift: np.ndarray, options: TransientImages.Options
) -> np.ndarray:
    """The largest significances (n, 2) float32 near the middle, by the plain and the optimal difference."""
    from bevatron.prepare.subtraction import moffat_psf, optimal_significance, plain_significance

    n, exposures, size = images.shape[:3]
    psfs = moffat_psf(seeing.astype(np.float64).ravel(), shift.astype(np.float64).reshape(-1, 2), size)
    psfs = psfs.reshape(n, exposures, size, size)
    centre = np.arange(size) - (size - 1) / 2
    near = np.hypot(centre[:, None], centre[None, :]) <= options.search_radius
    maps = [method(images, psfs, noise) for method in (plain_significance, optimal_significance)]
    return np.stack([values[:, near].max(axis=1) for values in maps], axis=1).astype(np.float32)
