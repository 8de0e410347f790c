"""Electrons on their way to the wires: time, losses and diffusion."""

import numpy as np
from pydantic import Field

from bevatron.config.sections.section import NonNegative, Positive, Section

CM2_PER_S = 1e-6  # in cm²/µs


class Drift(Section):
    """The drift of electrons in liquid argon; defaults are MicroBooNE's."""

    field: Positive = Field(default=0.273, description="electric field, kV/cm")
    velocity: Positive = Field(default=0.1098, description="drift velocity at that field, cm/µs")
    lifetime: Positive = Field(default=10_000.0, description="mean time until an impurity catches an electron, µs")
    diffusion_along: NonNegative = Field(default=3.74, description="longitudinal diffusion, cm²/s (arXiv:2104.06551)")
    diffusion_across: NonNegative = Field(default=5.85, description="transverse diffusion, cm²/s (at the same field)")


def drift_time(x: np.ndarray, drift: Drift) -> np.ndarray:
    """µs from x (n,), cm from the wires."""
    return x / drift.velocity


def surviving_fraction(time: np.ndarray, drift: Drift) -> np.ndarray:
    """Fraction of the electrons that arrive after `time` (n,) µs."""
    return np.exp(-time / drift.lifetime)


def diffusion_width(time: np.ndarray, diffusion: float) -> np.ndarray:
    """Standard deviation (n,) in cm of a cloud that has diffused for `time` (n,) µs: sqrt(2 D t)."""
    return np.sqrt(2 * diffusion * CM2_PER_S * np.maximum(time, 0.0))
