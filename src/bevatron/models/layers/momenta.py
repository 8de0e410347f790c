"""Momenta of elements from the features that hold them, and features of pairs of momenta."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from bevatron.models.layers.asinh import asinh
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.layers.physical import PhysicalFeatures

Component = Literal["px", "py", "pz", "energy", "pt", "log_pt", "eta", "phi", "mass"]
PION_MASS = 0.13957039  # GeV, S. Navas et al. (Particle Data Group), Phys. Rev. D 110, 030001 (2024)
CARTESIAN = {"px", "py", "pz", "energy"}
SMALLEST = 1e-8  # smallest argument of the logarithms, as in the authors' code
N_PAIR_FEATURES = 4


def check_components(components: set[str]) -> None:
    """Raises ValueError for components that do not define a momentum."""
    sizes = components & {"pt", "log_pt"}
    if components != CARTESIAN and not (
        len(sizes) == 1 and components - sizes in ({"eta", "phi"}, {"eta", "phi", "mass"})
    ):
        found = ", ".join(sorted(components))
        raise ValueError(
            "a momentum is px, py, pz and energy, or pt or log_pt with eta, phi and, if it is known, mass; "
            f"found {found}"
        )


class Momenta(nn.Module):
    """Transverse momentum, rapidity, azimuth and squared mass of each element, from features in GeV and radians.

    components: for each component the name of its feature (see `PhysicalFeatures`); log_pt is the natural logarithm.
    eta and phi may be relative to the jet's axis, because pairs use differences only. This is not exact for the
    rapidity, in which the mass has a part. Without a mass, that of a charged pion is taken.

    Shapes: elements (..., n_features); returns (..., 4).
    """

    def __init__(self, inputs: dict[str, InputGroup], components: dict[Component, str]):
        super().__init__()
        self.components = list(components)
        self.features = PhysicalFeatures(inputs, list(components.values()), "momenta")

    def forward(self, elements: Tensor) -> Tensor:
        """Elements (..., n_features) to (pt, rapidity, phi, mass²) (..., 4)."""
        parts = dict(zip(self.components, self.features(elements).unbind(-1), strict=True))
        if "px" in parts:
            px, py, pz, energy = (parts[name] for name in ("px", "py", "pz", "energy"))
            pt = (px.square() + py.square()).clamp(min=SMALLEST**2).sqrt()
            mass = (energy.square() - pt.square() - pz.square()).clamp(min=0)
            phi = torch.atan2(py, px)
        else:
            pt = parts["log_pt"].exp() if "log_pt" in parts else parts["pt"].clamp(min=SMALLEST)
            mass = parts["mass"].square() if "mass" in parts else torch.full_like(pt, PION_MASS**2)
            pz, phi = pt * torch.sinh(parts["eta"]), parts["phi"]
        return torch.stack([pt, asinh(pz * torch.rsqrt(mass + pt.square())), phi, mass], -1)


def pair_features(first: Tensor, second: Tensor) -> Tensor:
    """Ln kT, ln z, ln Δ and ln m² of pairs (Qu, Li and Qian, arXiv:2202.03772, eq. 3).

    Δ² = (y_a − y_b)² + (φ_a − φ_b)², kT = min(pt_a, pt_b) Δ, z = min(pt_a, pt_b) / (pt_a + pt_b), m² = (p_a + p_b)²;
    none of them below 1e-8. m² is a sum of positive terms, in which nothing cancels:
    m_a² + m_b² + 2 (mT_a mT_b − pt_a pt_b) + 4 mT_a mT_b sinh²((y_a − y_b) / 2) + 4 pt_a pt_b sin²((φ_a − φ_b) / 2),
    mT_a mT_b − pt_a pt_b = (m_a² mT_b² + pt_a² m_b²) / (mT_a mT_b + pt_a pt_b).

    Shapes: two of (..., 4) as `Momenta` gives them; returns (..., 4).
    """
    pt_a, y_a, phi_a, m2_a = first.unbind(-1)
    pt_b, y_b, phi_b, m2_b = second.unbind(-1)
    dy = y_a - y_b
    dphi = torch.remainder(phi_a - phi_b + math.pi, 2 * math.pi) - math.pi
    delta2 = dy.square() + dphi.square()
    softer = torch.minimum(pt_a, pt_b)
    mt2_b = m2_b + pt_b.square()
    pt2, mt2 = pt_a * pt_b, ((m2_a + pt_a.square()) * mt2_b).sqrt()
    rest = (m2_a * mt2_b + pt_a.square() * m2_b) / (mt2 + pt2)
    angles = mt2 * torch.sinh(dy / 2).square() + pt2 * torch.sin(dphi / 2).square()
    m2 = m2_a + m2_b + 2 * rest + 4 * angles
    return torch.stack(
        [
            (softer.square() * delta2).clamp(min=SMALLEST**2).log() / 2,
            (softer / (pt_a + pt_b)).clamp(min=SMALLEST).log(),
            delta2.clamp(min=SMALLEST**2).log() / 2,
            m2.clamp(min=SMALLEST).log(),
        ],
        -1,
    )
