"""Ions that drift slowly bend the field: where charge seems to come from.

At the surface, cosmic muons leave ions that take minutes to reach the cathode, and their charge adds a potential φ to
the uniform field E. It vanishes at anode, cathode and walls. We take

    φ = E u g(ξ) (1 - η²) (1 - |ζ|ⁿ),   g(ξ) = (3 √3 / 2) (ξ - ξ³),

with ξ from 0 at the anode to 1 at the cathode, and η, ζ from -1 to 1 across the box's height and length. g is the
solution in one dimension for ions whose density grows linearly with the distance from the anode (S. Palestini et al.,
Nucl. Instrum. Meth. A 421 (1999) 75); the other factors are our choice, n = 6 for MicroBooNE's length, less for shorter
boxes and at least 2. To first order in φ, an electron that starts at (x, y, z) arrives as one from (x + Δx, y + Δy,
z + Δz) of a uniform field would:

    Δx = γ u g(ξ) (1 - η²) (1 - |ζ|ⁿ),               γ = d ln v / d ln E, the field being weaker near the anode
    Δy = -u (L / h) G(ξ) 2 η (1 - |ζ|ⁿ),             G(ξ) = ∫₀^ξ g = (3 √3 / 8) (2 ξ² - ξ⁴)
    Δz = -u (L / l) G(ξ) (1 - η²) n |ζ|ⁿ⁻¹ sign ζ,    L, h, l: drift length, half the height, half the length.

All are 0 at the anode, Δx at the cathode too; Δy and Δz point inwards and are largest at the cathode. MicroBooNE's
map (arXiv:1910.01430, arXiv:2008.09765; SCEoffsets_dataDriven_combined_bkwd_Jan18.root in
github.com/WireCell/wire-cell-data) has up to 12 to 14 cm in y, 4 cm in x and 8 to 10 cm in z. The change of
recombination with the field is left out.
"""

import numpy as np
from pydantic import Field

from bevatron.config.sections.section import NonNegative, Section

MOBILITY_SLOPE = 0.7  # d ln v / d ln E near 273 V/cm (W. Walkowiak, Nucl. Instrum. Meth. A 449 (2000) 288)
G_NORM = 1.5 * np.sqrt(3.0)
LENGTH_POWER = 6.0 / 518.4  # n over half the length, 1/cm


class SpaceCharge(Section):
    """The field of ions, which displaces the charge of all events in the same way."""

    displacement: NonNegative = Field(
        default=0.0,
        description="how far the charge of what is deposited at the cathode beside the upper or lower wall moves "
        "inwards, cm; that scales the whole field of displacements; 0: none; MicroBooNE: 13",
    )


def displace_points(
    points: np.ndarray, low: tuple[float, ...], high: tuple[float, ...], space_charge: SpaceCharge
) -> np.ndarray:
    """Where points (n, 3), cm, of a box with these corners seem to be (n, 3); the anode is at its low x."""
    lower, upper = np.asarray(low, np.float64), np.asarray(high, np.float64)
    half, centre, length = (upper - lower) / 2, (upper + lower) / 2, upper[0] - lower[0]
    xi = np.clip((points[:, 0] - lower[0]) / length, 0.0, 1.0)
    eta, zeta = np.clip((points[:, 1:] - centre[1:]) / half[1:], -1.0, 1.0).T
    pull = G_NORM / 4 * (2 * xi**2 - xi**4)
    u = space_charge.displacement / (2 * length / half[1] * G_NORM / 4)  # 1 of η, of ξ, 0 of ζ
    power = max(2.0, LENGTH_POWER * half[2])
    in_y, in_z = 1 - eta**2, 1 - np.abs(zeta) ** power
    shift = np.stack(
        [
            MOBILITY_SLOPE * G_NORM * (xi - xi**3) * in_y * in_z,
            -length / half[1] * pull * 2 * eta * in_z,
            -length / half[2] * pull * in_y * power * np.abs(zeta) ** (power - 1) * np.sign(zeta),
        ],
        axis=1,
    )
    return points + u * shift


def displace_segments(
    segments: np.ndarray, low: tuple[float, ...], high: tuple[float, ...], space_charge: SpaceCharge
) -> np.ndarray:
    """Segments (n, 9) with both ends displaced; path and energy, on which recombination depends, stay."""
    if space_charge.displacement == 0:
        return segments
    moved = segments.astype(np.float64)
    for columns in (slice(0, 3), slice(3, 6)):
        moved[:, columns] = displace_points(moved[:, columns], low, high, space_charge)
    return moved
