"""The particles that are followed through argon: PDG codes, masses in MeV, and their rows in the tables."""

from bevatron.simulate.argon.tracking.material import ELECTRON_MASS

ELECTRON, POSITRON, MUON, ANTIMUON, PHOTON = 11, -11, 13, -13, 22
PION_MINUS, PION_PLUS, PION_ZERO, PROTON, NEUTRON = -211, 211, 111, 2212, 2112
NEUTRINOS = (12, 14, 16)  # of either sign
FIRST_NUCLEUS = 1_000_000_000  # codes 100ZZZAAAI

MUON_MASS = 105.6583755
PION_MASS = 139.57039
PION_ZERO_MASS = 134.9768
PROTON_MASS = 938.27208816
NEUTRON_MASS = 939.56542052
NUCLEON = 931.494  # MeV per mass number, of a nucleus

MUON_LIFETIME = 2196.9811  # ns
PION_LIFETIME = 26.033

MASSES = {
    ELECTRON: ELECTRON_MASS,
    POSITRON: ELECTRON_MASS,
    MUON: MUON_MASS,
    ANTIMUON: MUON_MASS,
    PION_MINUS: PION_MASS,
    PION_PLUS: PION_MASS,
    PION_ZERO: PION_ZERO_MASS,
    PROTON: PROTON_MASS,
    NEUTRON: NEUTRON_MASS,
}

# Rows of the tables of charged particles.
CHARGED = (ELECTRON, POSITRON, MUON, ANTIMUON, PION_MINUS, PION_PLUS, PROTON)
ROW_ELECTRON, ROW_POSITRON, ROW_PROTON = 0, 1, 6


def mass_of(pdg: int) -> float | None:
    """The mass in MeV; None if such a particle cannot be transported."""
    if pdg == PHOTON or abs(pdg) in NEUTRINOS:
        return 0.0
    if pdg > FIRST_NUCLEUS:
        return NUCLEON * (pdg // 10 % 1000)
    return MASSES.get(pdg)
