"""Two-body decays: conservation, invariance, the masses' distribution, and what two frames have in common."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from bevatron.simulate.decays.two_body import (
    boost,
    breit_wigner,
    decay_at_rest,
    invariant_mass,
    isotropic,
    momentum_at_rest,
)
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.resonances import Resonances


def simulated(seed="1", **options):
    return Resonances().simulate(Resonances.Options(kind="resonances", **options), 0, ShardSeed.of(seed, 0))[0]


def pairs(samples, frame):
    return samples.inputs[frame].column.values.astype(np.float64).reshape(-1, 2, 4)


@pytest.fixture(scope="module")
def events():
    return simulated(events=20_000)


def test_energy_and_momentum_are_conserved():
    random = np.random.default_rng(1)
    mass = random.uniform(1.0, 5.0, 1000)
    at_rest = decay_at_rest(mass, 0.5, 0.1, isotropic(1000, random))
    np.testing.assert_allclose(at_rest.sum(1)[:, 0], mass, rtol=1e-13)
    np.testing.assert_allclose(at_rest.sum(1)[:, 1:], 0.0, atol=1e-14)
    for k, own in enumerate((0.5, 0.1)):  # both are on their mass shell
        np.testing.assert_allclose(at_rest[:, k, 0] ** 2 - (at_rest[:, k, 1:] ** 2).sum(1), own**2, atol=1e-13)


def test_a_boost_is_a_lorentz_transformation():
    """Against the matrix exp(η K) of the boost's generator; there and back is the identity."""
    from scipy.linalg import expm

    random = np.random.default_rng(2)
    direction, rapidity = isotropic(5, random), random.uniform(0, 3, 5)
    vectors = random.normal(size=(5, 2, 4))
    boosted = boost(vectors, direction, rapidity)
    for k in range(5):
        generator = np.zeros((4, 4))
        generator[0, 1:] = generator[1:, 0] = direction[k]
        np.testing.assert_allclose(boosted[k], vectors[k] @ expm(rapidity[k] * generator), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(boost(boosted, -direction, rapidity), vectors, atol=1e-10)


def test_momentum_of_known_decays():
    """K⁰s → π⁺π⁻ 0.2060 GeV, Λ → p π⁻ 0.101 GeV (Particle Data Group)."""
    assert momentum_at_rest(np.array([0.497611]), 0.13957039, 0.13957039)[0] == pytest.approx(0.2060, abs=5e-5)
    assert momentum_at_rest(np.array([1.115683]), 0.93827209, 0.13957039)[0] == pytest.approx(0.101, abs=5e-4)


def test_the_invariant_mass_is_the_same_in_both_frames(events):
    for frame in ("lab", "boosted"):
        np.testing.assert_allclose(invariant_mass(pairs(events, frame)), events.targets["mass"], rtol=2e-5)


def test_masses_have_their_distribution(events):
    """A Cauchy distribution of half the width, cut at the limits; the background is even."""
    mass, label = events.targets["mass"].astype(float), events.targets["label"]
    for number, centre in ((1, 2.0), (2, 3.5)):
        cauchy = stats.cauchy(centre, 0.05)
        low, high = cauchy.cdf([1.0, 5.0])
        cut = stats.kstest(mass[label == number], lambda m, c=cauchy, a=low, b=high: (c.cdf(m) - a) / (b - a))
        assert cut.pvalue > 0.001
    assert stats.kstest(mass[label == 0], stats.uniform(1.0, 4.0).cdf).pvalue > 0.001
    assert (label > 0).mean() == pytest.approx(0.5, abs=0.015)
    assert np.count_nonzero(label == 1) == pytest.approx(np.count_nonzero(label == 2), rel=0.06)


def test_quantiles_of_a_cut_breit_wigner_reach_its_limits():
    found = breit_wigner(2.0, 0.1, (1.0, 5.0), np.array([0.0, 1.0]))
    np.testing.assert_allclose(found, [1.0, 5.0], rtol=1e-9)


def test_two_frames_have_nothing_but_the_mass_in_common(events):
    """At fixed mass every product of a number of one frame with one of the other averages to the means' product."""
    narrow = np.abs(events.targets["mass"] - 2.0) < 0.03
    a, b = (pairs(events, frame).reshape(-1, 8)[narrow] for frame in ("lab", "boosted"))
    n = np.count_nonzero(narrow)
    assert n > 1500
    correlation = np.corrcoef(a.T, b.T)[:8, 8:]
    assert np.abs(correlation).max() * np.sqrt(n) < 4.5  # 64 of them
    squares = np.corrcoef((a**2).T, (b**2).T)[:8, 8:]
    assert np.abs(squares).max() * np.sqrt(n) < 5.0


def test_energies_rise_with_the_mass_as_the_boosts_say(events):
    """E[E | M] = M / 2 · sinh(η) / η for rapidities even in [0, η]: in every frame, as directions average out."""
    mass = events.targets["mass"].astype(float)
    slope = (pairs(events, "boosted")[:, 0, 0] * mass).sum() / (mass**2).sum()
    assert slope == pytest.approx(0.5 * np.sinh(1.0), rel=0.01)


def test_a_shard_follows_from_its_seed():
    one, again, other = (simulated(seed, events=30) for seed in ("1", "1", "2"))
    assert np.array_equal(one.inputs["lab"].column.values, again.inputs["lab"].column.values)
    assert not np.array_equal(one.inputs["lab"].column.values, other.inputs["lab"].column.values)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"mass_range": (5.0, 1.0)}, "mass_range: must rise, found 5 and 1"),
        ({"products": (0.6, 0.6)}, "products: together 1.2 GeV, not below the least mass, 1 GeV"),
        ({"masses": [2.0, 6.0]}, "masses: 6 GeV is outside of mass_range, 1 to 5 GeV"),
    ],
)
def test_impossible_masses_are_refused(options, said):
    with pytest.raises(ValidationError, match=said):
        Resonances.Options.model_validate({"kind": "resonances", **options})
