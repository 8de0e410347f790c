"""What heavy hadrons decay to, counted in records made by hand and in the generator's own."""

import numpy as np
import pytest

from bevatron.simulate.collisions.particles import Particles
from bevatron.simulate.collisions.pythia import Collisions
from bevatron.simulate.collisions.validation.decays import HadronDecays, count_decays, find_ancestor
from bevatron.simulate.collisions.validation.samples import WHERE, Z_SETTINGS, count_in_jets, seeds_of

CHARGES = {511: 0, 513: 0, 22: 0, -411: -3, 13: -3, -13: 3, 14: 0, 310: 0, 211: 3, -211: -3, 443: 0, 11: -3, -11: 3}
CHARGES |= {90: 0, 2112: 0, 3112: -3, 321: 3, 421: 0, -421: 0, 3122: 0, 2212: 3, 5122: 0}


def record(*rows):
    """One event of rows (pdg_id, mother, first daughter, momentum along z, energy, place along z)."""
    columns = list(zip((90, 0, 1, 0.0, 0.0, 0.0), *rows, strict=True))
    pdg, mother, daughter, pz, energy, z = (np.array(column) for column in columns)
    particles = Particles(
        offsets=np.array([0, len(pdg)]),
        pdg_id=pdg.astype(np.int32),
        status=np.where(daughter > 0, -1, 1),
        mother=mother,
        daughter=daughter,
        px=pz * 0,
        py=pz * 0,
        pz=pz,
        energy=energy,
        vertex=np.stack([z * 0, z * 0, z], axis=1),
    )
    return particles, np.array([CHARGES[number] for number in pdg.tolist()])


# B*0 → B0 γ, B0 → D- µ+ ν, D- → K0_S π-, K0_S → π+ π-, and a pion from the collision
SEMILEPTONIC = record(
    (513, 0, 2, 8.0, 10.0, 0.0),
    (511, 1, 4, 8.0, 10.0, 0.0),
    (22, 1, 0, 1.0, 1.0, 0.0),
    (-411, 2, 7, 3.0, 5.0, 4.0),
    (-13, 2, 0, 1.0, 1.0, 4.0),
    (14, 2, 0, 1.0, 1.0, 4.0),
    (310, 4, 9, 1.0, 1.0, 7.0),
    (-211, 4, 0, 1.0, 1.0, 7.0),
    (211, 7, 0, 1.0, 1.0, 30.0),
    (-211, 7, 0, 1.0, 1.0, 30.0),
    (211, 0, 0, 1.0, 1.0, 0.0),
)


def test_a_semileptonic_decay_is_counted_by_hand():
    found = count_decays(*SEMILEPTONIC)
    assert found.pdg_id.tolist() == [511, 411]
    assert found.quark.tolist() == [5, 4]
    assert found.charged.tolist() == [4, 3]  # µ, π and two of the K0_S
    assert found.charged_without.tolist() == [2, 1]
    assert found.muons.tolist() == [1, 0]
    assert found.electrons.tolist() == [0, 0]
    assert found.charm.tolist() == [1, 0]
    assert found.from_b.tolist() == [False, True]


def test_a_proper_decay_length_is_the_way_times_mass_over_momentum():
    found = count_decays(*SEMILEPTONIC)  # masses 6 and 4 GeV, ways of 4 and 3 mm, momenta of 8 and 3 GeV
    np.testing.assert_allclose(found.length, [4000 * 6 / 8, 3000 * 4 / 3])


def test_charmonium_counts_twice_and_a_charged_hyperon_once():
    found = count_decays(
        *record(
            (511, 0, 2, 8.0, 10.0, 0.0),
            (443, 1, 4, 1.0, 3.2, 1.0),
            (3112, 1, 6, 1.0, 2.0, 1.0),
            (11, 2, 0, 1.0, 1.0, 1.0),
            (-11, 2, 0, 1.0, 1.0, 1.0),
            (-211, 3, 0, 1.0, 1.0, 50.0),
            (2112, 3, 0, 1.0, 1.0, 50.0),
        )
    )
    assert found.charm.tolist() == [2]
    assert found.charged.tolist() == [3]  # e+ e- and the pion of the Σ-
    assert found.charged_without.tolist() == [3]  # e+ e- and the Σ- itself
    assert found.electrons.tolist() == [0]  # the J/ψ's, not the hadron's own


def test_an_event_without_heavy_hadrons_gives_no_rows():
    found = count_decays(*record((211, 0, 0, 1.0, 1.0, 0.0)))
    assert all(len(column) == 0 for column in found.__dict__.values())
    assert len(HadronDecays.concatenate([found, count_decays(*SEMILEPTONIC)]).quark) == 2


def test_the_nearest_ancestor_is_found_and_no_particle_is_its_own():
    mother = np.array([0, 0, 1, 2, 2, 0])
    wanted = np.array([False, True, False, True, False, False])
    assert find_ancestor(np.arange(6), mother, wanted).tolist() == [-1, -1, 1, 1, 1, -1]
    endless = np.array([1, 0])  # a record that is no tree
    assert find_ancestor(np.array([0]), endless, np.zeros(2, bool)).tolist() == [-1]


def test_decay_lengths_are_those_that_the_generator_was_given():
    collisions = Collisions([*Z_SETTINGS, "23:onIfAny = 4 5"], 3, WHERE)
    batches = [count_decays(batch, collisions.charges(batch.pdg_id)) for batch in collisions.batches(1_000)]
    found = HadronDecays.concatenate(batches)
    chi2, n = 0.0, 0
    for number in (411, 421, 431, 511, 521, 531):
        expected = 1000 * collisions.pythia.particleData.tau0(number)
        length = found.length[found.pdg_id == number]
        chi2 += (length.mean() / expected - 1) ** 2 * len(length)  # the width of an exponential is its mean
        n += 1
    assert chi2 < n + 4 * np.sqrt(2 * n)


def test_charm_and_charged_particles_of_generated_b_hadrons_add_up():
    collisions = Collisions([*Z_SETTINGS, "23:onIfAny = 5"], 4, WHERE)
    (batch,) = collisions.batches(100)
    found = count_decays(batch, collisions.charges(batch.pdg_id))
    b = found.quark == 5
    assert b.sum() >= 200
    assert found.charm[b].sum() >= found.from_b.sum()  # and charmonium
    assert found.from_b.sum() > 200
    assert np.all(found.charged >= found.charged_without - 2)
    charge = np.array([collisions.pythia.particleData.chargeType(int(number)) // 3 for number in found.pdg_id])
    assert np.all((found.charged - charge) % 2 == 0)  # charge is conserved
    assert np.all((found.charged_without - charge) % 2 == 0)


def test_seeds_differ_and_repeat():
    assert seeds_of(5, 20) == seeds_of(5, 20)
    assert len({*seeds_of(5, 20), *seeds_of(6, 20)}) == 40


def test_a_bin_without_jets_has_no_mean():
    found = count_in_jets(False, 1, [], 1)
    values = np.array([mean for counts in found.values() for mean in counts])
    assert values.shape == (8, 2)
    assert np.isnan(values).any()


@pytest.mark.slow
def test_charged_particles_in_jets_are_about_those_of_atlas():
    """Of the range where the generator's settings are known to be good: 10 % and three standard deviations."""
    from bevatron.simulate.collisions.validation.published import JET_CHARGED

    found = count_in_jets(True, 400, [], 7)
    for least, (mean, error) in JET_CHARGED.items():
        ours, ours_error = np.array(found[least]).T
        assert np.all(np.abs(ours - mean) < 0.1 * mean + 3 * np.hypot(error, ours_error))
