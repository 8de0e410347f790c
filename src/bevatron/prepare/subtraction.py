"""Difference images: is there a point in the last exposure that the earlier ones do not have?

All images are of one field S, seen through known point-spread functions (PSFs). In Fourier space, for each mode,

    reference j: R_j = P_j S + e_j,    new image: N = P S + a P exp(-i k x) + e

with independent Gaussian noise of variances v_j and v, and a point of flux a at x. Nothing is assumed of S. The
references estimate it by Σ P̄_j R_j / v_j / W with W = Σ |P_j|² / v_j, of variance 1/W. The best estimate of a then
correlates P exp(-i k x) with N minus P times that estimate, each mode weighted by the inverse of its variance,
v + |P|²/W:

    score(x) = Σ_k exp(i k x) P̄ (W N - P Σ P̄_j R_j / v_j) / (v W + |P|²),    var = Σ_k |P|² W / (v W + |P|²)

The score over the square root of its variance is the significance, a standard normal number where there is no point.
This is the optimal subtraction of B. Zackay, E. O. Ofek and A. Gal-Yam (Astrophys. J. 830 (2016) 27, arXiv:1601.02655)
with the references optimally added up (B. Zackay and E. O. Ofek, Astrophys. J. 836 (2017) 188, arXiv:1512.06879).
"""

import numpy as np

BETA = 3.0  # exponent of the PSF's Moffat profile, as in the source `transients`


def moffat_psf(seeing: np.ndarray, shift: np.ndarray, size: int) -> np.ndarray:
    """Fourier transforms (n, size, size) of Moffat profiles of unit flux, seen by square pixels of side 1.

    seeing (n,): full widths at half maximum, shift (n, 2): x and y of the centre from that of pixel (0, 0); in pixels.
    A Moffat profile (1 + r²/h²)^-β becomes 2 (q/2)^(β-1) K_(β-1)(q) / Γ(β-1) with q = 2π h f at the frequency f.
    """
    from scipy.special import gamma, kv

    f = np.fft.fftfreq(size)
    scale = seeing / (2.0 * np.sqrt(2.0 ** (1.0 / BETA) - 1.0))
    q = np.maximum(2 * np.pi * scale[:, None, None] * np.hypot(f[:, None], f[None, :]), 1e-6)
    profile = 2.0 * (q / 2.0) ** (BETA - 1.0) * kv(BETA - 1.0, q) / gamma(BETA - 1.0)
    pixel = np.sinc(f)[:, None] * np.sinc(f)[None, :]
    x, y = shift[:, 0, None, None], shift[:, 1, None, None]
    return profile * pixel * np.exp(-2j * np.pi * (f[None, None, :] * x + f[None, :, None] * y))


def optimal_significance(images: np.ndarray, psfs: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Significance (n, size, size) of a point at each pixel of the last of the exposures, absent in the others.

    images (n, exposures, size, size); psfs: their Fourier transforms, of the same shape; noise (n, exposures): standard
    deviations. Positions are those of the field: a shift of the exposures is undone, as it is part of their PSFs.
    """
    transforms, variance = np.fft.fft2(images.astype(np.float64)), noise.astype(np.float64)[:, :, None, None] ** 2
    references = (psfs[:, :-1].conj() * transforms[:, :-1] / variance[:, :-1]).sum(axis=1)
    weight = (np.abs(psfs[:, :-1]) ** 2 / variance[:, :-1]).sum(axis=1)
    psf, new, v = psfs[:, -1], transforms[:, -1], variance[:, -1]
    spread = v * weight + np.abs(psf) ** 2
    score = np.fft.ifft2(psf.conj() * (weight * new - psf * references) / spread).real
    return score / np.sqrt((np.abs(psf) ** 2 * weight / spread).mean(axis=(1, 2)))[:, None, None]


def plain_significance(images: np.ndarray, psfs: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """The last exposure minus the mean of the others, smoothed with the last one's PSF, in units of its noise.

    Neither are the exposures moved to the same position nor their PSFs made equal. Shapes as above.
    """
    difference = images[:, -1].astype(np.float64) - images[:, :-1].mean(axis=1)
    variance = noise[:, -1] ** 2 + (noise[:, :-1] ** 2).mean(axis=1) / (images.shape[1] - 1)
    psf = np.abs(psfs[:, -1])  # without its shift
    smooth = np.fft.ifft2(np.fft.fft2(difference) * psf).real
    return smooth / np.sqrt(variance * (psf**2).mean(axis=(1, 2)))[:, None, None]
