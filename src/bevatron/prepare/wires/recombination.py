"""How many ionisation electrons escape from their ions."""

import numpy as np

DENSITY = 1.396  # g/cm³
W_ION = 23.6e-6  # MeV for an electron-ion pair in argon (M. Miyajima et al., Phys. Rev. A 9 (1974) 1438)
BOX_A, BOX_B = 0.93, 0.212  # B in (kV/cm) (g/cm²) / MeV
MIN_DEDX = 1.0  # MeV/cm: no particle ionises less; LArSoft has the same guard in its ISCalcCorrelated


def escape_fraction(dedx: np.ndarray, field: float) -> np.ndarray:
    """The fraction of electrons that escape, at dE/dx (n,) MeV/cm and a field in kV/cm: the modified box model.

    ln(A + B' dE/dx) / (B' dE/dx), B' = B / (ρ E), with A and B measured by ArgoNeuT (R. Acciarri et al., JINST 8 (2013)
    P08005). Below about 0.85 MeV/cm the formula falls again and means nothing: smaller dE/dx count as MIN_DEDX.
    """
    scaled = BOX_B / (DENSITY * field) * np.maximum(dedx, MIN_DEDX)
    return np.log(BOX_A + scaled) / scaled


def escaped_electrons(energy: np.ndarray, path: np.ndarray, field: float) -> np.ndarray:
    """Electrons (n,) that escape where `energy` (n,) MeV is left along `path` (n,) cm."""
    return energy / W_ION * escape_fraction(energy / np.maximum(path, 1e-4), field)
