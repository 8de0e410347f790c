"""Multiple scattering beside Molière's theory, and elastic scattering off nuclei."""

import numba
import numpy as np
import pytest
from scipy.special import j0

from bevatron.simulate.argon.hadronic.elastic import RESONANT, RESONANT_SLOPE, SLOPE, sample_elastic
from bevatron.simulate.argon.hadronic.nuclear_rates import (
    PER_MILLIBARN,
    elastic_per_cm,
    interaction_per_cm,
    pion_cross_section,
)
from bevatron.simulate.argon.tracking.scattering import BORN, CHARGED, COULOMB, SCREENED, sample_scattering

STEP, MOMENTUM, BETA2 = 0.3, 10_000.0, 0.99989  # cm, β c p in MeV, of a muon of 10 GeV
CHI2 = CHARGED * STEP / MOMENTUM**2
SCREENING2 = SCREENED * (BORN + COULOMB / BETA2) / (MOMENTUM**2 / BETA2)


def moliere_b(ratio):
    """B of B - ln B = ln(χ_c² / 1.167 χ_a²) (Bethe 1953, eqs. 22 and 23)."""
    b = start = np.log(ratio / 1.167)
    for _ in range(80):
        b = start + np.log(b)
    return b


B = moliere_b(CHI2 / SCREENING2)


@numba.njit
def scatter(n, steps, seed):
    np.random.seed(seed)
    out = np.empty((n, 2))
    for k in range(n):
        ux, uy, uz = 0.0, 0.0, 1.0
        for _ in range(steps):
            _, _, _, ux, uy, uz = sample_scattering(ux, uy, uz, STEP / steps, BETA2, MOMENTUM)
        out[k, 0], out[k, 1] = ux, uy
    return out


@pytest.fixture(scope="module", params=[1, 3, 10])
def angles(request):
    return scatter(100_000, request.param, request.param)


def test_constants_are_those_of_the_theory():
    """Bethe 1953, eq. 10: χ_c² = 0.157 Z (Z + 1) / A t / (pβ)², t in g/cm²; the review of Scott: χ_0 = 4.216 keV
    Z^(1/3)."""
    assert pytest.approx(0.157 * 18 * 19 / 39.948 * 1.396, rel=0.01) == CHARGED
    assert np.sqrt(SCREENED) == pytest.approx(4.216e-3 * 18 ** (1 / 3), rel=0.01)


def test_the_angle_of_1_over_e_is_moliere_s(angles):
    """χ_c √(B - 1.2): A. O. Hanson et al., Phys. Rev. 84 (1951) 634; in a step, in parts of it, to 4 %."""
    squared = (angles**2).sum(1) / (CHI2 * (B - 1.2))
    counts, edges = np.histogram(squared, np.linspace(0, 1.6, 17))
    curve = np.polynomial.Polynomial.fit((edges[1:] + edges[:-1]) / 2, np.log(counts), 3)
    x = np.linspace(0.5, 1.6, 500)
    level = curve(0.0) - 1.0
    assert np.sqrt(x[np.abs(curve(x) - level).argmin()]) == pytest.approx(1.0, abs=0.04)


def test_the_central_width_is_lynch_and_dahl_s(angles):
    """rms of the central 98 % in a plane: G. R. Lynch and O. I. Dahl, Nucl. Instrum. Meth. B 58 (1991) 6, eq. 7, a fit
    to Molière's theory to 2 %."""
    plane = np.sort(np.abs(angles).ravel())
    rms = np.sqrt((plane[: int(0.98 * len(plane))] ** 2).mean())
    v = 0.5 * CHI2 / SCREENING2 / 0.02
    expected = np.sqrt(CHI2 / (1 + 0.98**2) * ((1 + v) / v * np.log(1 + v) - 1))
    assert rms == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize("at", [3.0, 4.0, 6.0])
def test_the_tail_is_moliere_s_and_becomes_rutherford_s(angles, at):
    """Fraction beyond `at` χ_c √B from Bethe's integral over Bessel functions, and χ_c²/θ² of single collisions."""
    y = np.linspace(1e-6, 12, 6001)
    theta = np.linspace(1e-3, at, 600)
    weight = y * np.exp(-(y**2) / 4 * (1 - np.log(y**2 / 4) / B))
    density = np.trapezoid(j0(theta[:, None] * y) * weight, y, axis=1)
    expected = 1 - np.trapezoid(theta * density, theta)
    found = ((angles**2).sum(1) > at**2 * CHI2 * B).mean()
    error = np.sqrt(expected / len(angles))
    assert found == pytest.approx(expected, abs=0.15 * expected + 3 * error)
    if at == 6.0:
        assert found == pytest.approx(1 / (B * at**2), rel=0.25)


def test_hadrons_scatter_off_nuclei_with_the_slope_of_a_disc():
    """Mean |t| of exp(-b |t|) is 1/b; the nucleus takes |t| / 2M, and momentum is that of the angle."""
    mass, kinetic = 139.57039, 500.0
    found = np.array([sample_elastic(mass, kinetic) for _ in range(20_000)])
    nucleus = 39.9624 * 931.494
    t = 2 * nucleus * found[:, 0]
    assert t.mean() == pytest.approx(1 / SLOPE, rel=0.05)
    before, after = (
        np.sqrt(kinetic * (kinetic + 2 * mass)),
        np.sqrt((kinetic - found[:, 0]) * (kinetic - found[:, 0] + 2 * mass)),
    )
    recoil = np.sqrt(found[:, 0] * (found[:, 0] + 2 * nucleus))
    np.testing.assert_allclose(before**2 + after**2 - 2 * before * after * found[:, 1], recoil**2, rtol=1e-6, atol=1e-3)


@pytest.mark.parametrize(("pdg", "kinetic"), [(2212, 200.0), (2212, 1000.0), (211, 165.0), (211, 500.0), (211, 1000.0)])
def test_slope_and_rate_obey_the_optical_theorem(pdg, kinetic):
    """b = σ_total² / 16π σ_elastic where amplitudes are imaginary: within 30 % of the slope that is used."""
    slope = RESONANT_SLOPE if pdg == 211 and kinetic < RESONANT else SLOPE
    elastic = elastic_per_cm(pdg, kinetic) / PER_MILLIBARN
    total = elastic + interaction_per_cm(pdg, kinetic) / PER_MILLIBARN
    assert total**2 / (16 * np.pi * elastic) * 0.1 / 197.327**2 == pytest.approx(slope, rel=0.3)


def test_elastic_rates_are_those_of_hadrons():
    assert elastic_per_cm(13, 500.0) == elastic_per_cm(111, 500.0) == 0
    assert elastic_per_cm(2212, 4.0) == 0
    assert elastic_per_cm(-211, 165.0) < interaction_per_cm(-211, 165.0)
    assert sum(pion_cross_section(165.0, channel) for channel in range(4)) == pytest.approx(890, rel=0.1)  # Barashenkov
