"""Liquid argon and the constants of physics. Energies in MeV, lengths in cm, times in ns.

Argon: PDG, Atomic and nuclear properties of materials (2024), "liquid argon"; the density effect after Sternheimer,
Berger and Seltzer, At. Data Nucl. Data Tables 30 (1984) 261, as in Groom, Mokhov and Striganov, ibid. 78 (2001) 183.
"""

import math

FINE_STRUCTURE = 1 / 137.035999
ELECTRON_RADIUS = 2.8179403e-13  # cm
AVOGADRO = 6.02214076e23
LIGHT = 29.9792458  # cm/ns
ELECTRON_MASS = 0.51099895
IONISATION = 0.307075  # MeV cm²/mol: 4π N_A r_e² m_e c²

Z = 18.0
A = 39.948  # g/mol
DENSITY = 1.396  # g/cm³
EXCITATION = 188.0e-6  # MeV: mean excitation energy
RADIATION_LENGTH = 19.55 / DENSITY  # cm
DENSITY_C, DENSITY_X0, DENSITY_X1, DENSITY_A, DENSITY_K = 5.2146, 0.2, 3.0, 0.19559, 3.0

XI = 0.5 * IONISATION * Z / A * DENSITY  # MeV/cm: collisions above T are XI / (β² T) per cm in Rutherford's law
ELECTRONS = AVOGADRO * Z / A * DENSITY  # per cm³
ATOMS = AVOGADRO / A * DENSITY  # per cm³

# The field of the nucleus and of its electrons: Tsai, Rev. Mod. Phys. 46 (1974) 815; Davies, Bethe and Maximon's f_c.
_A2 = (Z * FINE_STRUCTURE) ** 2
COULOMB = _A2 * (1 / (1 + _A2) + 0.20206 - 0.0369 * _A2 + 0.0083 * _A2**2 - 0.002 * _A2**3)
TRIPLETS = math.log(1440 * Z ** (-2 / 3)) / (math.log(183 * Z ** (-1 / 3)) - COULOMB)
SCREENING = 136.0 / Z ** (1 / 3)
