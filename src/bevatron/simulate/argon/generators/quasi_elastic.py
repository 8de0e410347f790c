"""ν_μ n → μ⁻ p on a free neutron: the cross-section of Llewellyn Smith."""

import numpy as np

FERMI_CONSTANT = 1.1663788e-5  # GeV⁻²
COS_CABIBBO = 0.9743
NUCLEON_MASS = 0.938919  # GeV, mean of proton and neutron
MUON_MASS = 0.1056584
PION_MASS = 0.1395704
AXIAL_COUPLING = 1.2754
AXIAL_MASS = 1.03  # GeV
VECTOR_MASS2 = 0.71  # GeV²
MAGNETIC = 2.792847 + 1.913043  # μ_p - μ_n
HBARC2 = 0.3893794e-27  # cm² GeV²


def cross_section(q2: np.ndarray, energy: np.ndarray | float) -> np.ndarray:
    """dσ/dQ² in cm²/GeV² at Q² (GeV²), for neutrinos of `energy` (GeV) in the neutron's rest frame.

    C. H. Llewellyn Smith, Phys. Rept. 3 (1972) 261, eq. 3.18, with dipole form factors and the axial mass 1.03 GeV (V.
    Bernard, L. Elouadrhiri and U.-G. Meißner, J. Phys. G 28 (2002) R1), without second-class currents.
    """
    m2, mu2 = NUCLEON_MASS**2, MUON_MASS**2
    tau = q2 / (4 * m2)
    dipole = (1 + q2 / VECTOR_MASS2) ** -2
    f1 = dipole * (1 + tau * MAGNETIC) / (1 + tau)
    f2 = dipole * (MAGNETIC - 1) / (1 + tau)
    fa = AXIAL_COUPLING * (1 + q2 / AXIAL_MASS**2) ** -2
    fp = 2 * m2 * fa / (PION_MASS**2 + q2)
    a = (
        (mu2 + q2)
        / m2
        * (
            (1 + tau) * fa**2
            - (1 - tau) * f1**2
            + tau * (1 - tau) * f2**2
            + 4 * tau * f1 * f2
            - mu2 / (4 * m2) * ((f1 + f2) ** 2 + (fa + 2 * fp) ** 2 - 4 * (1 + tau) * fp**2)
        )
    )
    b = 4 * tau * fa * (f1 + f2)
    c = (fa**2 + f1**2 + tau * f2**2) / 4
    s_minus_u = 4 * NUCLEON_MASS * energy - q2 - mu2
    bracket = a + b * s_minus_u / m2 + c * s_minus_u**2 / m2**2
    front = m2 * FERMI_CONSTANT**2 * COS_CABIBBO**2 / (8 * np.pi * energy**2) * HBARC2
    return front * np.maximum(bracket, 0.0)


def q2_limits(s: float, target: float, recoil: float, lepton: float = MUON_MASS) -> tuple[float, float] | None:
    """Least and largest Q² of ν + target → lepton + recoil at s (GeV²), masses in GeV; None below threshold."""
    root = np.sqrt(max(s, 0.0))
    if s <= target**2 or root <= lepton + recoil:
        return None
    before = (s - target**2) / (2 * root)
    energy = (s + lepton**2 - recoil**2) / (2 * root)
    momentum = np.sqrt(max(energy**2 - lepton**2, 0.0))
    return 2 * before * (energy - momentum) - lepton**2, 2 * before * (energy + momentum) - lepton**2


def total_cross_section(energy: float) -> float:
    """σ in cm² on a neutron at rest, for neutrinos of `energy` GeV; zero below threshold."""
    q2_range = q2_limits(NUCLEON_MASS**2 + 2 * NUCLEON_MASS * energy, NUCLEON_MASS, NUCLEON_MASS)
    if q2_range is None:
        return 0.0
    q2 = np.linspace(max(q2_range[0], 0.0), q2_range[1], 401)
    return float(np.trapezoid(cross_section(q2, energy), q2))
