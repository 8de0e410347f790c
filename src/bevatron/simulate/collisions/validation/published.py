"""Published numbers with which generated heavy hadrons and jets are compared. Lengths in µm, energies in GeV.

Each was looked up: those of the Particle Data Group in its own database of the edition named, spectra and counts in the
reference data of Rivet, the others in the papers' abstracts. docs/explanation/jets.md lists them.
"""

import numpy as np

C = 299.792458  # µm / ps

# R. L. Workman et al. (Particle Data Group), PTEP 2022 (2022) 083C01, particle listings: mean lives, ps. One edition
# for all: that of Dₛ is 0.5012 ± 0.0022 since 2024.
LIFETIMES = {  # PDG number: name, lifetime, error
    521: ("B⁺", 1.638, 0.004),
    511: ("B⁰", 1.519, 0.004),
    531: ("Bₛ", 1.520, 0.005),
    5122: ("Λ_b", 1.471, 0.009),
    411: ("D⁺", 1.033, 0.005),
    421: ("D⁰", 0.4103, 0.0010),
    431: ("Dₛ", 0.504, 0.004),
    4122: ("Λ_c", 0.2015, 0.0027),
}

# The same, "B±/B0/Bs0/b-baryon admixture": production fractions in Z decays. B⁺ and B⁰ are taken to be equal there.
Z_FRACTIONS = {
    "B⁺ or B⁰\nat the Z": (0.408, 0.007),
    "Bₛ\nat the Z": (0.100, 0.008),
    "baryons\nat the Z": (0.084, 0.011),
}

# LHCb Collaboration, Phys. Rev. D 100 (2019) 031102, arXiv:1902.06794: at 13 TeV, divided by those of B⁺ and B⁰
# together, averages over hadrons with pt of 4 to 25 GeV and pseudorapidities of 2 to 5.
PP_FRACTIONS = {"Bₛ/B\nin pp": (0.122, 0.006), "Λ_b/B\nin pp": (0.259, 0.018)}

# Particle Data Group as above, the same admixture. Charged particles from a decay: ABREU 98H (DELPHI), without the
# products of K⁰ and Λ. Leptons: the mean of e and µ, directly from the hadron. Charm: c and anti-c together.
B_CHARGED = (4.97, 0.07)
B_LEPTON = (0.1069, 0.0022)
B_CHARM = (1.162, 0.032)
# CLEO Collaboration, hep-ex/9907057: B⁺ and B⁰ of Υ(4S) decays, with the products of K⁰ and Λ; ± 0.01, +0.11 −0.08 is
# made symmetric.
B_CHARGED_ALL = (5.36, 0.10)
# Particle Data Group as above: electrons from charmed mesons; D⁰ decays to four charged particles, K⁰ being neutral.
D_ELECTRON = {421: ("D⁰ → e", 0.0649, 0.0011), 411: ("D⁺ → e", 0.1607, 0.0030), 431: ("Dₛ → e", 0.0633, 0.0015)}
D0_FOUR_PRONGS = (0.146, 0.005)

# DELPHI Collaboration, Eur. Phys. J. C 71 (2011) 1557, arXiv:1102.4748: energy of weakly decaying b hadrons over that
# of the beam at the Z. The mean is the combination with ALEPH, OPAL and SLD; the spectrum is DELPHI's alone, whose mean
# is 0.699 ± 0.011 (HEPData, Inspire 890503).
X_B_MEAN = (0.7092, 0.0025)
X_B_EDGES = np.array([0.10, 0.30, 0.42, 0.54, 0.64, 0.73, 0.80, 0.88, 0.94, 1.00])
X_B = np.array([0.194, 0.474, 0.734, 1.112, 1.753, 2.641, 3.013, 1.787, 0.227])
X_B_ERROR = np.array([0.0204, 0.0320, 0.0381, 0.0497, 0.0607, 0.0703, 0.1225, 0.1222, 0.0484])

# ALEPH Collaboration, Eur. Phys. J. C 16 (2000) 597, hep-ex/9909032: D*± in hadronic Z decays, per x = E / E_beam and
# in 10⁻³ of an event, in bins of 0.05 from x = 0.1 (HEPData, Inspire 507422). The shape alone is compared.
D_STAR_EDGES = np.linspace(0.1, 1.0, 19)
D_STAR = np.array(
    [7.47, 9.03, 10.42, 10.76, 9.89, 8.97, 8.17, 6.94, 6.73, 5.56, 4.94, 3.49, 3.13, 2.0, 1.27, 0.5, 0.27, 0.06]
)
D_STAR_ERROR = np.array(
    [0.63, 0.49, 0.44, 0.43, 0.38, 0.35, 0.32, 0.28, 0.27, 0.24, 0.22, 0.18, 0.17, 0.14, 0.11, 0.07, 0.05, 0.03]
)

# ALEPH, DELPHI, L3, OPAL, SLD and their working groups, Phys. Rept. 427 (2006) 257: hadronic Z decays to b and to c, as
# the Particle Data Group quotes them (0.21629 ± 0.00066, 0.1721 ± 0.0030).
R_B, R_C = 0.2163, 0.1721

# SLD Collaboration, Phys. Lett. B 386 (1996) 475, hep-ex/9608008: charged particles of a hadronic Z decay, by the
# quarks it began with, statistical and systematic errors added in quadrature. The products of K⁰_S and Λ are counted.
Z_CHARGED = {"uds": (20.21, 0.24), "c": (21.28, 0.60), "b": (23.14, 0.39)}

# ATLAS Collaboration, Eur. Phys. J. C 76 (2016) 322, arXiv:1602.00988: charged particles in the two leading jets at
# 8 TeV, mean of the more forward and the more central one, the larger of their errors (HEPData 72257), by the least pt
# of a particle in GeV.
JET_PT_EDGES = np.array([50.0, 100.0, 200.0, 300.0, 400.0])
JET_CHARGED = {
    0.5: (np.array([7.894, 10.052, 12.543, 14.052]), np.array([0.53, 0.38, 0.15, 0.19])),
    2.0: (np.array([4.943, 6.971, 9.400, 10.913]), np.array([0.32, 0.27, 0.12, 0.15])),
}
