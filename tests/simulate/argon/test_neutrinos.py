"""Neutrino interactions: cross-sections and kinematics."""

import numpy as np
import pytest

from bevatron.simulate.argon.generators import quasi_elastic as qe
from bevatron.simulate.argon.generators.neutrinos import (
    FERMI_MOMENTUM,
    Neutrinos,
    delta_cross_section,
    flux,
    generate_interaction,
    generate_interactions,
)
from bevatron.simulate.argon.tracking.event import NEUTRINO, Box
from bevatron.simulate.argon.tracking.particles import MASSES

BOX = Box((0, -100, 0), (250, 100, 500))


def random(seed=1):
    return np.random.Generator(np.random.Philox(seed))


def test_quasi_elastic_cross_section():
    """On a free neutron 0.9-1.1 × 10⁻³⁸ cm² from 1 GeV on, with M_A = 1.03 GeV (J. A. Formaggio and G. P. Zeller, Rev.
    Mod. Phys. 84 (2012) 1307, fig. 11), and none below the threshold of 110 MeV."""
    assert qe.total_cross_section(0.10) == 0
    assert qe.total_cross_section(1.0) == pytest.approx(1.0e-38, rel=0.15)
    assert qe.total_cross_section(3.0) == pytest.approx(0.95e-38, rel=0.2)
    assert qe.total_cross_section(0.3) < qe.total_cross_section(0.6) < qe.total_cross_section(1.0)


def test_momentum_transfers_lie_within_their_limits():
    m = qe.NUCLEON_MASS
    low, high = qe.q2_limits(m**2 + 2 * m * 0.8, m, m)
    assert 0 < low < 0.02
    assert high < 4 * 0.8**2
    assert qe.q2_limits(m**2 + 2 * m * 0.05, m, m) is None


def by_traces(q2, energy):
    """dσ/dQ² in cm²/GeV² from traces of Dirac matrices: the contraction of the leptons' and the nucleons' currents.

    The nucleons' is F1 γ^μ + i F2 σ^{μν} q_ν / 2M - F_A γ^μ γ5 - F_P q^μ γ5 / M.
    """
    zero, pauli = np.zeros((2, 2)), [np.array(s) for s in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])]
    gamma = [np.diag([1, 1, -1, -1]).astype(complex), *(np.block([[zero, s], [-s, zero]]) for s in pauli)]
    gamma5, one, sign = 1j * gamma[0] @ gamma[1] @ gamma[2] @ gamma[3], np.eye(4), (1, -1, -1, -1)

    def slash(vector):
        return sum(sign[k] * vector[k] * gamma[k] for k in range(4))

    def adjoint(matrix):
        return gamma[0] @ matrix.conj().T @ gamma[0]

    big, small = qe.NUCLEON_MASS, qe.MUON_MASS
    muon = energy - q2 / (2 * big)
    p = np.sqrt(muon**2 - small**2)
    cosine = (2 * energy * muon - small**2 - q2) / (2 * energy * p)
    k, k2 = np.array([energy, 0, 0, energy]), np.array([muon, p * np.sqrt(1 - cosine**2), 0, p * cosine])
    q, at_rest = k - k2, np.array([big, 0, 0, 0])
    tau, dipole, anomalous = q2 / (4 * big**2), (1 + q2 / 0.71) ** -2, 3.70589
    f1 = dipole * (1 + tau * (1 + anomalous)) / (1 + tau)
    f2 = dipole * anomalous / (1 + tau)
    fa = 1.2754 / (1 + q2 / 1.03**2) ** 2
    fp = 2 * big**2 * fa / (0.13957**2 + q2)
    leptons = [g @ (one - gamma5) for g in gamma]
    nucleons = [
        f1 * g - f2 / (4 * big) * (g @ slash(q) - slash(q) @ g) - fa * g @ gamma5 - fp * q[mu] / big * gamma5
        for mu, g in enumerate(gamma)
    ]
    squared = sum(
        sign[mu]
        * sign[nu]
        * np.trace((slash(k2) + small * one) @ leptons[mu] @ slash(k) @ adjoint(leptons[nu]))
        * np.trace(
            (slash(at_rest + q) + big * one) @ nucleons[mu] @ (slash(at_rest) + big * one) @ adjoint(nucleons[nu])
        )
        for mu in range(4)
        for nu in range(4)
    )
    fermi, cabibbo, flux2 = 1.1663788e-5, 0.9743, (2 * big * energy) ** 2
    return squared.real / 2 * (fermi * cabibbo) ** 2 / 2 / (16 * np.pi * flux2) * 0.3893794e-27


@pytest.mark.parametrize(("q2", "energy"), [(0.05, 0.5), (0.2, 0.5), (0.05, 1.0), (0.5, 1.0), (1.0, 2.0)])
def test_llewellyn_smith_is_the_contraction_of_the_currents(q2, energy):
    assert qe.cross_section(np.array(q2), energy) == pytest.approx(by_traces(q2, energy), rel=1e-5)


def test_single_pions_off_protons_are_as_many_as_measured():
    """G. M. Radecky et al., Phys. Rev. D 25 (1982) 1161: σ(ν p → μ⁻ p π⁺), 10⁻³⁸ cm², mass of πN below 1.4 GeV."""
    edges = [0.3, 0.5, 0.75, 1.0, 1.25, 1.5, 2.5, 3.5]
    measured = [0.019, 0.155, 0.332, 0.427, 0.455, 0.614, 0.650]
    error = np.array([0.006, 0.017, 0.030, 0.041, 0.053, 0.078, 0.164])
    pulls = [
        (delta_cross_section(np.linspace(a, b, 51)).mean() / 1e-38 - m) / e
        for a, b, m, e in zip(edges[:-1], edges[1:], measured, error, strict=True)
    ]
    assert np.square(pulls).sum() < 7
    assert delta_cross_section(np.array([0.2, 0.39])).tolist() == [0, 0]


def test_charged_pions_are_three_tenths_of_quasi_elastic_events():
    """About 0.3 at 0.8 GeV on as many protons as neutrons (MiniBooNE, Phys. Rev. Lett. 103 (2009) 081801)."""
    delta = float(delta_cross_section(np.array(0.8)))
    charged = delta + delta / 3 / 3  # Δ⁺⁺ → p π⁺, and a third of Δ⁺ → n π⁺
    assert charged / qe.total_cross_section(0.8) == pytest.approx(0.3, abs=0.06)


def test_charged_pions_on_mineral_oil():
    """MiniBooNE, arXiv:1011.3572: (2.83 ± 0.29) × 10⁻³⁸ cm² a CH₂ at 0.8 GeV, some of it not from the Δ."""
    delta = float(delta_cross_section(np.array(0.8)))
    assert 8 * delta + 6 * delta / 9 == pytest.approx(2.83e-38, rel=0.2)


def test_momentum_transfers_of_events_follow_the_cross_section():
    """Away from low Q², where Pauli's principle bites, the events' Q² are spread as those on a free neutron at rest."""
    generator, found = random(3), []
    while len(found) < 3_000:
        particles = generate_interaction(Neutrinos(energy=(1999.0, 2001.0)), generator)
        if len(particles) == 2:
            muon = particles[0][1]
            found.append(2 * 2.0 * (np.sqrt(muon @ muon + qe.MUON_MASS**2) - muon[2]) - qe.MUON_MASS**2)
    edges = np.array([0.0, 0.1, 0.25, 0.4, 0.6, 0.9, 1.5])
    counts = np.histogram(found, edges)[0]
    grid = np.linspace(edges[:-1], edges[1:], 101)
    expected = np.trapezoid(qe.cross_section(grid, 2.0), grid, axis=0)
    np.testing.assert_allclose(counts[1:] / counts[1:].sum(), expected[1:] / expected[1:].sum(), atol=0.03)
    assert counts[0] / counts[1:].sum() < 0.8 * expected[0] / expected[1:].sum()  # blocked
    assert min(found) > 0


def test_channels_share_events_by_target_and_isospin():
    """Of Δ⁺⁺ and Δ⁺ on 18 protons and 22 neutrons: 18 to 22 / 3, so p π⁺ : p π⁰ : n π⁺ = 18 : 44/9 : 22/9."""
    generator = random(4)
    kinds = [tuple(code for code, _ in generate_interaction(Neutrinos(), generator)) for _ in range(4_000)]
    counts = [kinds.count((13, *rest)) for rest in ((2212, 211), (2212, 111), (2112, 211))]
    pions = sum(counts)
    assert pions + kinds.count((13, 2212)) == len(kinds)
    expected = np.array([18, 44 / 9, 22 / 9])
    np.testing.assert_allclose(np.array(counts) / pions, expected / expected.sum(), atol=0.04)


def test_flux_is_that_of_the_booster_beam():
    """arXiv:0806.1449: mean 0.8 GeV, most likely 0.6-0.7 GeV."""
    energy = np.linspace(0.05, 5, 1000)
    density = flux(energy)
    assert (energy * density).sum() / density.sum() == pytest.approx(0.82, abs=0.03)
    assert energy[density.argmax()] == pytest.approx(0.65, abs=0.05)


def test_energy_and_momentum_are_those_of_neutrino_and_nucleon():
    """What comes out carries the neutrino's energy, less the nucleon's binding, give or take its Fermi motion; across
    the beam there is no more than the Fermi momentum."""
    generator, masses = random(), {code: mass / 1000 for code, mass in MASSES.items()}
    for _ in range(300):
        particles = generate_interaction(Neutrinos(energy=(999.0, 1001.0)), generator)
        total = sum(np.sqrt(p @ p + masses[code] ** 2) for code, p in particles)
        momentum = sum(p for _, p in particles)
        assert np.hypot(*momentum[:2]) <= FERMI_MOMENTUM + 1e-6
        struck = np.sqrt(masses[2112] ** 2 + (momentum - [0, 0, 1.0]) @ (momentum - [0, 0, 1.0]))
        assert total == pytest.approx(1.0 + struck - 0.030, abs=0.006)
        assert particles[0][0] == 13
        nucleon = next(p for code, p in particles if code in (2212, 2112))
        assert np.linalg.norm(nucleon) >= FERMI_MOMENTUM - 1e-9
        charge = sum({13: -1, 2212: 1, 2112: 0, 211: 1, 111: 0}[code] for code, _ in particles)
        assert charge in (0, 1)  # on a neutron, on a proton


def test_share_and_vertices():
    primaries, has, vertex = generate_interactions(Neutrinos(fraction=0.4, margin=50), BOX, 2_000, random(2))
    assert has.mean() == pytest.approx(0.4, abs=0.05)
    assert set(primaries.event) == set(np.flatnonzero(has))
    assert (primaries.origin == NEUTRINO).all()
    inside = vertex[has]
    assert (inside >= np.array(BOX.low) + 50).all()
    assert (inside <= np.array(BOX.high) - 50).all()
    assert (vertex[~has] == 0).all()
    assert np.abs(inside.mean(0) - [125, 0, 250]).max() < 15
    again, *_ = generate_interactions(Neutrinos(fraction=0.4, margin=50), BOX, 2_000, random(2))
    np.testing.assert_array_equal(again.momentum, primaries.momentum)


def test_impossible_energies_are_refused():
    with pytest.raises(ValueError, match="must rise within 150 to 5000 MeV"):
        Neutrinos(energy=(50.0, 3000.0))
