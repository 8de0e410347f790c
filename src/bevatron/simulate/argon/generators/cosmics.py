"""Cosmic muons at the surface of the earth that cross a box."""

from functools import cache

import numpy as np
from pydantic import Field, FiniteFloat, model_validator

from bevatron.config.sections.section import NonNegative, Section
from bevatron.simulate.argon.tracking.event import COSMIC, Box, Primaries
from bevatron.simulate.argon.tracking.particles import MUON_MASS

POSITIVE = 1.27 / 2.27  # fraction of μ⁺: charge ratio 1.27 at some GeV (PDG 2022, sec. 30.3.1)
REYNA = (0.00253, 0.2455, 1.288, -0.2555, 0.0209)
LOWEST, HIGHEST = 0.1, 100.0  # GeV of p cos θ; above are 0.1 % of all muons, which are as minimally ionising
GRID = np.geomspace(LOWEST, HIGHEST, 2_001)


class Cosmics(Section):
    """Muons that arrive during the readout, each at its own time."""

    window: tuple[FiniteFloat, FiniteFloat] = Field(
        default=(-2.3e6, 2.3e6),
        description="times of arrival, ns: from a drift time before the readout begins to its end",
    )
    scale: NonNegative = Field(default=1.0, description="factor on the flux: overburden, or more muons for a small box")

    @model_validator(mode="after")
    def _window_is_one(self) -> "Cosmics":
        if self.window[0] >= self.window[1]:
            raise ValueError(f"window: must rise, found {self.window[0]:g} to {self.window[1]:g}")
        return self


def vertical_intensity(zeta: np.ndarray) -> np.ndarray:
    """Muons / (cm² s sr GeV) of vertical momentum ζ = p cos θ, GeV.

    D. Reyna, A simple parameterization of the cosmic-ray muon momentum spectra at the surface as a function of zenith
    angle, hep-ph/0604145: I(p, θ) = cos³θ I_V(p cos θ), fitted from 1 to 2000 GeV; below 1 GeV this is an
    extrapolation, in which the flux falls as it does in measurements.
    """
    c1, c2, c3, c4, c5 = REYNA
    y = np.log10(zeta)
    return c1 * zeta ** -(c2 + c3 * y + c4 * y**2 + c5 * y**3)


@cache
def total_intensity() -> float:
    """Vertical muons / (cm² s sr): the integral over ζ. At the angle θ it is cos²θ times that."""
    return float(np.trapezoid(vertical_intensity(GRID), GRID))


def rate(box: Box) -> float:
    """Muons a second through the box: the integral of cos²θ over the sky, weighted by the box's area seen."""
    cosine, phi = np.linspace(0, 1, 401), np.linspace(0, 2 * np.pi, 181)
    c, f = np.meshgrid(cosine, phi, indexing="ij")
    area = _faces(box, _downward_directions(c.ravel(), f.ravel())).sum(1).reshape(c.shape)
    return total_intensity() * float(np.trapezoid(np.trapezoid(c**2 * area, phi, axis=1), cosine))


def expected_muons(cosmics: Cosmics, box: Box) -> float:
    """Mean number of muons of an event."""
    return rate(box) * cosmics.scale * (cosmics.window[1] - cosmics.window[0]) * 1e-9


def generate_muons(cosmics: Cosmics, box: Box, n_events: int, random: np.random.Generator) -> Primaries:
    """The muons of `n_events` readouts, on the walls where they come in."""
    first, last = cosmics.window
    event = np.repeat(np.arange(n_events), random.poisson(expected_muons(cosmics, box), n_events))
    n = len(event)
    direction, faces = _sample_directions(box, n, random)
    position = _sample_entries(box, direction, faces, random)
    # ζ does not depend on the angle: cos³θ I_V(ζ) dp = cos²θ I_V(ζ) dζ
    intensity = vertical_intensity(GRID)
    cumulative = np.concatenate([[0.0], np.cumsum((intensity[1:] + intensity[:-1]) / 2 * np.diff(GRID))])
    zeta = np.interp(random.random(n) * cumulative[-1], cumulative, GRID)
    momentum = np.minimum(zeta / np.maximum(-direction[:, 1], 1e-3), HIGHEST) * 1000.0
    return Primaries(
        event=event,
        pdg=np.where(random.random(n) < POSITIVE, -13, 13).astype(np.int32),
        origin=np.full(n, COSMIC, np.int32),
        position=position,
        time=random.uniform(first, last, n),
        momentum=np.maximum(momentum, 0.05 * MUON_MASS)[:, None] * direction,
    )


def _downward_directions(cosine: np.ndarray, phi: np.ndarray) -> np.ndarray:
    """Directions of flight (n, 3): y points upwards, so the zenith angle is that to -y."""
    sine = np.sqrt(1 - cosine**2)
    return np.stack([sine * np.cos(phi), -cosine, sine * np.sin(phi)], axis=1)


def _faces(box: Box, direction: np.ndarray) -> np.ndarray:
    """Areas (n, 3), cm², of the walls across x, y and z as seen along directions (n, 3): through these they come in."""
    x, y, z = np.array(box.high) - np.array(box.low)
    return np.abs(direction) * np.array([y * z, x * z, x * y])


def _sample_directions(box: Box, n: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Directions (n, 3) of muons through the box, and the areas seen, by acceptance and rejection."""
    x, y, z = np.array(box.high) - np.array(box.low)
    maximum = np.sqrt((y * z) ** 2 + (x * z) ** 2 + (x * y) ** 2)
    accepted: list[np.ndarray] = []
    while sum(map(len, accepted)) < n:
        tried = max(1_000, 3 * n)
        direction = _downward_directions(np.cbrt(random.random(tried)), random.uniform(0, 2 * np.pi, tried))  # cos²θ
        accepted.append(direction[random.random(tried) * maximum < _faces(box, direction).sum(1)])
    selected = np.concatenate(accepted)[:n] if n else np.empty((0, 3))
    return selected, _faces(box, selected)


def _sample_entries(box: Box, direction: np.ndarray, faces: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Points (n, 3) on the walls facing the muons."""
    n = len(direction)
    low, high = np.array(box.low), np.array(box.high)
    position = random.uniform(low, high, (n, 3))
    fraction = faces.cumsum(1) / np.maximum(faces.sum(1, keepdims=True), 1e-300)
    wall = (random.random(n)[:, None] > fraction).sum(1).clip(max=2)
    rows = np.arange(n)
    position[rows, wall] = np.where(direction[rows, wall] > 0, low[wall], high[wall])
    return position
