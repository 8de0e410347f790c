"""Correlations of the five parameters of a track: least-squares fits through a barrel of detector layers."""

from dataclasses import dataclass

import numpy as np

from bevatron.prepare.tracking.helix import CURVATURE

FIELD = 2.0  # tesla, of the published detector
HIGHLAND = 0.0136  # GeV


@dataclass(frozen=True)
class Strips:
    """Measurements on a cylinder: radius and resolution in mm, and the angle in rad between the strips and
    the beam, so that y cos + z sin is measured; π/2 measures z.
    """

    radius: float
    resolution: float
    angle: float = 0.0


@dataclass(frozen=True)
class Material:
    """A cylinder of radius (mm) in which particles scatter; thickness in radiation lengths, seen at 90°."""

    radius: float
    thickness: float


# ATLAS Collaboration, JINST 3 (2008) S08003, barrel: three pixel layers (10 × 115 µm), four strip layers (17 µm
# along and at a stereo angle of 40 mrad, which gives 580 µm along the beam), 36 straws (130 µm). Thicknesses are
# rounded from its plots of material: beam pipe 0.6 %, a silicon layer 3 %, all straws together 20 %.
PIXELS, STRIPS, STRAWS = (50.5, 88.5, 122.5), (299.0, 371.0, 443.0, 514.0), tuple(np.linspace(563.0, 1066.0, 36))
STEREO = (0.04, -0.04, 0.04, -0.04)
MEASUREMENTS = (
    *(Strips(radius, 0.010) for radius in PIXELS),
    *(Strips(radius, 0.115, np.pi / 2) for radius in PIXELS),
    *(Strips(radius, 0.017) for radius in STRIPS),
    *(Strips(radius, 0.017, angle) for radius, angle in zip(STRIPS, STEREO, strict=True)),
    *(Strips(radius, 0.130) for radius in STRAWS),
)
MATERIAL = (
    Material(32.0, 0.006),
    *(Material(radius, 0.03) for radius in (*PIXELS, *STRIPS)),
    *(Material(radius, 0.2 / len(STRAWS)) for radius in STRAWS),
)


def fit_covariance(pt: float) -> np.ndarray:
    """Covariance (5, 5) of (d0, z0, phi, cot θ, q/pt) in mm, rad and 1/GeV, of a track of `pt` GeV at 90°.

    Near the beam a track is y = d0 + r phi - κ r² / 2 across and z = z0 + r cot θ along, with κ = CURVATURE B q /
    pt. With the rows A of these derivatives and the covariance V of the measurements, which holds their own errors
    and the scattering in all layers before them, C = (Aᵀ V⁻¹ A)⁻¹. Scattering angles: Highland, θ0 = 13.6 MeV / p
    sqrt(x) (1 + 0.038 ln x), β = 1 (Review of Particle Physics, passage of particles through matter).
    """
    radius = np.array([strip.radius for strip in MEASUREMENTS])
    across, along = (wave([strip.angle for strip in MEASUREMENTS]) for wave in (np.cos, np.sin))
    rows = [across, along, across * radius, along * radius]
    design = np.stack([*rows, -across * CURVATURE * FIELD * radius**2 / 2], axis=1)
    errors = np.diag([strip.resolution**2 for strip in MEASUREMENTS])
    for layer in MATERIAL:
        angle = HIGHLAND / pt * np.sqrt(layer.thickness) * (1 + 0.038 * np.log(layer.thickness))
        lever = np.maximum(radius - layer.radius, 0.0)
        for direction in (across, along):
            errors += angle**2 * np.outer(direction * lever, direction * lever)
    return np.linalg.inv(design.T @ np.linalg.solve(errors, design))


def correlations() -> tuple[np.ndarray, np.ndarray]:
    """Correlation matrices (5, 5) of (d0, z0, phi, cot θ, q/pt) where hits alone count (pt → ∞), and where
    scattering alone counts (formally at 0.1 GeV, where it exceeds the hits' errors by far in every layer).
    """
    matrices = []
    for pt in (1e6, 0.1):
        covariance = fit_covariance(pt)
        sigma = np.sqrt(np.diag(covariance))
        matrix = covariance / np.outer(sigma, sigma)
        matrices.append((matrix + matrix.T) / 2)
    return matrices[0], matrices[1]
