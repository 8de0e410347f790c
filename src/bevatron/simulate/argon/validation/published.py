"""Published numbers of particles in liquid argon, for comparison with the transport; none of them is used by it."""

import numpy as np

DENSITY = 1.396  # g/cm³
RADIATION_LENGTH = 14.0  # cm
CRITICAL_ENERGY = 32.84  # MeV, of electrons; PDG, Atomic and nuclear properties of liquid argon
MUON_MASS = 105.6583755  # MeV
ELECTRON_MASS = 0.51099895

# D. E. Groom, N. V. Mokhov and S. I. Striganov, Muon stopping power and range tables 10 MeV-100 TeV, Atomic Data and
# Nuclear Data Tables 78 (2001) 183: liquid argon. Kinetic energy [MeV], range in the continuous-slowing-down
# approximation [g/cm²].
MUON_RANGE = np.array(
    [
        [40.0, 10.58],
        [80.0, 30.84],
        [100.0, 42.50],
        [140.0, 67.32],
        [200.0, 106.3],
        [300.0, 172.5],
        [400.0, 238.5],
        [800.0, 493.4],
        [1000.0, 616.3],
    ]
)

# NIST, PSTAR: protons in argon. Kinetic energy [MeV], range in the continuous-slowing-down approximation [g/cm²].
PROTON_RANGE = np.array([[10.0, 0.1887], [20.0, 0.6335], [50.0, 3.208], [100.0, 10.92]])

# Neutrons in argon: ends of intervals of kinetic energy [MeV], mean total cross-section in it [b], its error. Below
# 2 MeV the means of the measurement of R. R. Winters et al., Phys. Rev. C 43 (1991) 492 (to 2 %); above, CAPTAIN (B.
# Bhandari et al., Phys. Rev. Lett. 123 (2019) 042502, arXiv:1903.05276).
NEUTRON_TOTAL = np.array(
    [
        [0.1, 0.2, 2.30, 0.05],
        [0.2, 0.3, 2.30, 0.05],
        [0.3, 0.4, 1.57, 0.03],
        [0.4, 0.5, 1.55, 0.03],
        [0.5, 0.7, 1.79, 0.04],
        [0.7, 0.9, 1.85, 0.04],
        [0.9, 1.1, 2.24, 0.05],
        [1.1, 1.3, 2.72, 0.06],
        [100.0, 800.0, 0.91, 0.135],
    ]
)


def michel_spectrum(energy: np.ndarray) -> np.ndarray:
    """Density [1/MeV] of the electron's total energy [MeV] in the decay of a muon at rest, its mass neglected.

    x² (3 - 2x) with x = E / E_max and E_max = (m_μ² + m_e²) / 2 m_μ = 52.83 MeV (L. Michel, Proc. Phys. Soc. A 63 514,
    with ρ = 3/4).
    """
    end = (MUON_MASS**2 + ELECTRON_MASS**2) / (2 * MUON_MASS)
    x = np.asarray(energy) / end
    return np.where(x <= 1, 2 * x**2 * (3 - 2 * x) / end, 0.0)


def shower_profile(depth: np.ndarray, energy: float) -> np.ndarray:
    """dE/dt / E, t in radiation lengths, of an electron's shower: the gamma distribution of the PDG's review, eq. 34.36
    (E. Longo and I. Sestili, Nucl. Instrum. Meth. 128 (1975) 283), with b = 0.5 and its maximum at ln(E/E_c) - 0.5.

    A fit for energies of GeVs and above. depth (n,): radiation lengths; energy: MeV.
    """
    from scipy.stats import gamma

    b = 0.5
    top = np.log(energy / CRITICAL_ENERGY) - 0.5
    return gamma.pdf(depth, 1 + b * top, scale=1 / b)
