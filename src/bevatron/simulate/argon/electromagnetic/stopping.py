"""Mean energy loss by collisions that pass less than a cut, in MeV/cm, as functions of kinetic energy in MeV.

Heavy particles: Bethe's formula restricted to a cut (PDG review, passage of particles through matter, eq. 34.11) with
the density effect and the shell correction of W. R. Leo (Techniques for Nuclear and Particle Physics Experiments,
eq. 2.33), and the term of spin 1/2. Electrons and positrons: Berger and Seltzer after Møller and Bhabha (Geant4
Physics Reference Manual, "Ionisation", e±; ICRU 37). All take and return arrays.
"""

import numpy as np

from bevatron.simulate.argon.tracking.material import (
    DENSITY_A,
    DENSITY_C,
    DENSITY_K,
    DENSITY_X0,
    DENSITY_X1,
    ELECTRON_MASS,
    EXCITATION,
    XI,
    Z,
)

SHELLS_FROM = 0.13  # βγ, where the fit of the shell correction ends


def density_effect(beta_gamma: np.ndarray) -> np.ndarray:
    """Sternheimer's δ; argon is an insulator, so none below x0."""
    x = np.log10(beta_gamma)
    delta = 2 * np.log(10) * x - DENSITY_C + DENSITY_A * np.maximum(DENSITY_X1 - x, 0.0) ** DENSITY_K
    return np.where(x < DENSITY_X0, 0.0, delta)


def shell_correction(beta_gamma: np.ndarray) -> np.ndarray:
    """C / Z."""
    squared, electronvolt = np.maximum(beta_gamma, SHELLS_FROM) ** -2, EXCITATION * 1e6
    second = (0.422377 * squared + 0.0304043 * squared**2 - 0.00038106 * squared**3) * 1e-6 * electronvolt**2
    third = (3.858019 * squared - 0.1667989 * squared**2 + 0.00157955 * squared**3) * 1e-9 * electronvolt**3
    # Below its range the correction falls with the square of the speed, as the shells no longer take part.
    return (second + third) / Z * np.minimum(1.0, beta_gamma / SHELLS_FROM) ** 2


def maximum_transfer(kinetic: np.ndarray, mass: float) -> np.ndarray:
    """The largest energy that a heavy particle can pass to an electron, MeV."""
    gamma, ratio = 1 + kinetic / mass, ELECTRON_MASS / mass
    return 2 * ELECTRON_MASS * (gamma**2 - 1) / (1 + 2 * gamma * ratio + ratio**2)


def heavy_loss(kinetic: np.ndarray, mass: float, cut: float = np.inf, spin_half: bool = True) -> np.ndarray:
    """Loss of a heavy particle in MeV/cm by collisions that pass less than `cut` MeV, at kinetic energies (n,) MeV.

    Below a kinetic energy of mass / 1000 (1 MeV of a proton), where Bethe's formula fails, the loss is held at that
    energy's: the remaining range is less than 0.1 mm.
    """
    kinetic = np.maximum(kinetic, 1e-3 * mass)
    energy, gamma = kinetic + mass, 1 + kinetic / mass
    beta_gamma2 = gamma**2 - 1
    beta2, maximum = beta_gamma2 / gamma**2, maximum_transfer(kinetic, mass)
    top = np.minimum(cut, maximum)
    bracket = np.log(2 * ELECTRON_MASS * beta_gamma2 * top / EXCITATION**2) - beta2 * (1 + top / maximum)
    if spin_half:
        bracket += 0.5 * (top / energy) ** 2
    beta_gamma = np.sqrt(beta_gamma2)
    return XI / beta2 * (bracket - density_effect(beta_gamma) - 2 * shell_correction(beta_gamma))


def electron_loss(kinetic: np.ndarray, cut: float = np.inf) -> np.ndarray:
    """Loss of an electron in MeV/cm, likewise. It leaves each collision as the faster of the two."""
    tau, gamma, beta2 = _motion(kinetic)
    top = np.minimum(cut / ELECTRON_MASS, tau / 2)
    bracket = -1 - beta2 + np.log((tau - top) * top) + tau / (tau - top)
    bracket += (top**2 / 2 + (2 * tau + 1) * np.log(1 - top / tau)) / gamma**2
    return _berger_seltzer(bracket, tau, gamma, beta2)


def positron_loss(kinetic: np.ndarray, cut: float = np.inf) -> np.ndarray:
    """Loss of a positron in MeV/cm by collisions that pass less than `cut` MeV, at kinetic energies (n,) MeV."""
    tau, gamma, beta2 = _motion(kinetic)
    top, y = np.minimum(cut / ELECTRON_MASS, tau), 1 / (gamma + 1)
    second, third, fourth = top**2 / 2, top**3 / 3, top**4 / 4
    series = 3 * second + y * (top - third + y * (second - tau * third + fourth))
    bracket = np.log(tau * top) - beta2 * (tau + 2 * top - y * series) / tau
    return _berger_seltzer(bracket, tau, gamma, beta2)


def _motion(kinetic: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    tau = kinetic / ELECTRON_MASS
    gamma = tau + 1
    return tau, gamma, tau * (tau + 2) / gamma**2


def _berger_seltzer(bracket: np.ndarray, tau: np.ndarray, gamma: np.ndarray, beta2: np.ndarray) -> np.ndarray:
    common = np.log(2 * (tau + 2) * (ELECTRON_MASS / EXCITATION) ** 2)
    return XI / beta2 * (common + bracket - density_effect(np.sqrt(tau * (tau + 2))))
