"""Other collisions over jets: how many, where, and what they add."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bevatron.simulate.collisions.pile_up import AREA, CollisionPool, add_pile_up
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.jets import PROCESSES, PythiaJets
from bevatron.store.shards.columns import Dense, Ragged

FEW = {"events": 60, "processes": {"light": PROCESSES["light"]}, "pile_up_pool": 100}


def simulated(shard=0, seed="11", **options):
    options = PythiaJets.Options.model_validate({"kind": "jets", **FEW, **options})
    return PythiaJets().simulate(options, shard, ShardSeed.of(seed, shard))


@pytest.fixture(scope="module")
def plain():
    return simulated()[0]


@pytest.fixture(scope="module")
def overlaid():
    return simulated(pile_up=20.0)[0]


def values(samples, group):
    return samples.inputs[group].column.values


def pool_of(pt, eta, phi, thirds, offsets, pdg_id=None, vertex=None):
    """A pool of particles without mass."""
    pt, eta, phi = (np.asarray(x, float) for x in (pt, eta, phi))
    momentum = np.column_stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)])
    vertex = np.zeros((len(pt), 3)) if vertex is None else np.asarray(vertex, float)
    pdg_id = np.full(len(pt), 211) if pdg_id is None else np.asarray(pdg_id)
    return CollisionPool(np.asarray(offsets), momentum, vertex, eta, phi, pt, pdg_id, np.asarray(thirds))


def columns(samples):
    found = {}
    for name, group in samples.inputs.items():
        found[name] = (group.column.values.tobytes(), getattr(group.column, "offsets", np.zeros(0)).tobytes())
    return found


def test_no_pile_up_is_as_before_and_some_leaves_the_jets_as_they_are(plain, overlaid):
    assert columns(simulated(pile_up=0.0)[0]) == columns(plain)
    assert plain.id.tobytes() == overlaid.id.tobytes()
    before, after = columns(plain), columns(overlaid)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {
        "pile_up", "pile_up_ids", "pile_up_spectators", "pile_up_spectator_ids", "pile_up_energy", "pile_up_event",
    }  # fmt: skip


def test_the_same_shard_has_the_same_pile_up_and_another_another(overlaid):
    assert columns(simulated(pile_up=20.0)[0]) == columns(overlaid)
    assert columns(simulated(shard=1, pile_up=20.0)[0])["pile_up"] != columns(overlaid)["pile_up"]


def test_the_number_of_collisions_is_poisson(overlaid):
    """Of events: jets of one have the same."""
    number, event = values(overlaid, "pile_up_event")[:, 0], overlaid.targets["event"]
    _, first = np.unique(event, return_index=True)
    np.testing.assert_array_equal(number, number[first][np.unique(event, return_inverse=True)[1]])
    jets = plain_jets(np.zeros((4000, 2)))
    many = add_pile_up(jets, pool_of([1.0], [0.0], [0.0], [3], [0, 1]), 20.0, 0.4, np.random.default_rng(1))
    drawn = values(many, "pile_up_event")[:, 0]
    assert drawn.mean() == pytest.approx(20.0, abs=5 * np.sqrt(20.0 / 4000))
    assert drawn.var() == pytest.approx(20.0, rel=0.12)


def plain_jets(directions, events=None):
    """Raw samples with jets at eta and phi, each in its own event unless told."""
    from bevatron.store.shards.columns import Group, Samples

    n = len(directions)
    jet = np.column_stack([np.full(n, 50.0), directions, np.full(n, 5.0)]).astype(np.float32)
    event = np.arange(n) if events is None else np.asarray(events)
    targets = {"event": event.astype(np.uint64)}
    group = Group(Dense(jet), ("pt", "eta", "phi", "mass"), ("GeV", "", "rad", "GeV"))
    return Samples({"jet": group}, targets, np.arange(n, dtype=np.uint64))


def test_charged_particles_near_a_jet_are_those_within_its_radius(overlaid):
    jets, members = values(overlaid, "jet"), overlaid.inputs["pile_up"].column
    jet = np.repeat(np.arange(len(overlaid)), members.lengths)
    px, py, pz = members.values[:, :3].T.astype(float)
    pt = np.hypot(px, py)
    turn = np.angle(np.exp(1j * (np.arctan2(py, px) - jets[jet, 2])))
    assert (np.hypot(np.arcsinh(pz / pt) - jets[jet, 1], turn) < 0.4 + 1e-5).all()
    ids = values(overlaid, "pile_up_ids")
    assert (ids[:, 1] != 0).all()
    assert (ids[:, 2] < values(overlaid, "pile_up_event")[jet, 0]).all()
    assert pt.min() > 0.5
    # Uniform in the plane: as many as the area of a cone times the density of all.
    others = overlaid.inputs["pile_up_spectators"].column
    hard_inside, n_events = (pt > 1.0).sum(), (others.lengths > 0).sum()
    expected = len(others.values) / n_events / AREA * np.pi * 0.4**2 * len(overlaid)
    assert hard_inside == pytest.approx(expected, rel=0.3)


def test_particles_outside_of_all_jets_are_listed_once_with_the_first_jet(overlaid):
    lengths, event = overlaid.inputs["pile_up_spectators"].column.lengths, overlaid.targets["event"].astype(int)
    first = np.diff(event, prepend=-1) != 0
    assert (lengths[~first] == 0).all()
    assert lengths[first].mean() > 50


def test_every_pool_particle_is_turned_and_mirrored_as_one_with_its_collision():
    """Masses of pairs of one collision, and distances of what is displaced, stay."""
    vertex = [[0, 0, 0], [3.0, 4.0, -12.0]]
    pool = pool_of([2.0, 3.0], [0.1, -0.2], [0.3, 0.5], [3, -3], [0, 2], vertex=vertex)
    jets = plain_jets(np.zeros((300, 2)))
    found = add_pile_up(jets, pool, 1.0, 0.4, np.random.default_rng(2))
    parts = [
        (found.inputs[name].column, values(found, ids))
        for name, ids in (("pile_up", "pile_up_ids"), ("pile_up_spectators", "pile_up_spectator_ids"))
    ]
    rows = np.concatenate(
        [
            np.column_stack(
                [np.repeat(np.arange(300), column.lengths), ids[:, 2], ids[:, 1], column.values.astype(float)]
            )
            for column, ids in parts
        ]
    )
    assert len(rows) > 400
    plus, minus = (rows[rows[:, 2] == sign] for sign in (3, -3))
    plus, minus = (half[np.lexsort((half[:, 1], half[:, 0]))] for half in (plus, minus))
    np.testing.assert_array_equal(plus[:, :2], minus[:, :2])
    mass = (plus[:, 3:7] + minus[:, 3:7]) ** 2 @ [-1, -1, -1, 1]
    np.testing.assert_allclose(mass, (pool.momentum.sum(axis=0) ** 2) @ [-1, -1, -1, 1], rtol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(minus[:, 7:], axis=1), 13.0, rtol=1e-5)
    cosine = (minus[:, 7:] * minus[:, 3:6]).sum(axis=1)
    np.testing.assert_allclose(cosine, pool.momentum[1, :3] @ pool.vertex[1], rtol=1e-4)
    assert stats.kstest(np.arctan2(plus[:, 4], plus[:, 3]), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-4
    assert 0.4 < (plus[:, 5] > 0).mean() < 0.6


def test_energy_in_the_cone_is_of_what_a_calorimeter_sees_there():
    """A photon, a pion, a muon and a neutron in all collisions, all at eta 0: seen where the jet is all around."""
    pool = pool_of([1.0, 2.0, 4.0, 8.0], [0.0] * 4, [0.0] * 4, [0, 3, -3, 0], [0, 4], pdg_id=[22, 211, 13, 2112])
    found = add_pile_up(plain_jets(np.zeros((50, 2))), pool, 6.0, 3.2, np.random.default_rng(3))
    number, energy = values(found, "pile_up_event")[:, 0], values(found, "pile_up_energy")
    np.testing.assert_allclose(energy[:, 3], 1.0 * number, rtol=1e-5)
    np.testing.assert_allclose(energy[:, 7], 10.0 * number, rtol=1e-5)
    density = values(found, "pile_up_event")[:, 1:]
    np.testing.assert_allclose(density * AREA, np.column_stack([1.0 * number, 10.0 * number]), rtol=1e-5)


def test_a_particle_between_two_jets_is_a_track_of_the_nearer_and_energy_of_both():
    pool = pool_of([1.0], [0.0], [0.0], [3], [0, 1])
    jets = plain_jets(np.array([[0.0, 0.0], [0.3, 0.0]]), [0, 0])
    found = add_pile_up(jets, pool, 400.0, 0.4, np.random.default_rng(4))
    near, far = found.inputs["pile_up"].column.lengths
    phi = np.arctan2(*found.inputs["pile_up"].column.values[:, [1, 0]].T)
    assert far == 0
    assert near == (np.abs(phi) < 0.4).sum() > 20
    sums = values(found, "pile_up_energy")[:, 7]
    assert sums[0] == pytest.approx(near, rel=1e-5)
    assert 0 < sums[1] < sums[0]


def test_odd_sizes():
    pool = pool_of([1.0], [0.0], [0.0], [3], [0, 0, 1])  # a collision without particles
    for n in (0, 1, 2):
        for mean in (1e-9, 5.0):
            found = add_pile_up(plain_jets(np.zeros((n, 2)), np.zeros(n)), pool, mean, 0.4, np.random.default_rng(5))
            assert len(found) == n
            for name in ("pile_up", "pile_up_ids", "pile_up_spectators", "pile_up_spectator_ids"):
                column = found.inputs[name].column
                assert isinstance(column, Ragged)
                assert len(column) == n
            assert values(found, "pile_up_energy").shape == (n, 8)


def test_minimum_bias_is_as_measured():
    """2.9 charged particles above 0.5 GeV for each unit of eta at 13 TeV (ATLAS, arXiv:1602.01633, at eta = 0, of
    inelastic events with one such particle at least). Ours are all non-diffractive ones, those without any too, and
    their mean is over |eta| < 2.5: hence the width of 40 %.
    """
    options = PythiaJets.Options.model_validate({"kind": "jets", **FEW, "pile_up": 1.0, "pile_up_pool": 400})
    pool, seconds = PythiaJets()._pool(options, ShardSeed.of("1", 0))
    assert seconds > 0
    central = (pool.charge_thirds != 0) & (np.abs(pool.eta) < 2.5)
    assert central.sum() / len(pool) / 5.0 == pytest.approx(2.9, rel=0.4)


def test_replace_keeps_what_else_samples_have(plain):
    weighted = replace(plain, weight=np.ones(len(plain)))
    found = add_pile_up(weighted, pool_of([1.0], [0.0], [0.0], [3], [0, 1]), 3.0, 0.4, np.random.default_rng(6))
    np.testing.assert_array_equal(found.weight, weighted.weight)


def test_the_pool_has_a_seed_of_its_own():
    """Apart from those of all processes, and another in each shard."""
    limit = 1000
    seeds = [ShardSeed.of("1", shard) for shard in range(100)]
    own = {seed.unique_seed_from_end(limit) for seed in seeds}
    others = {seed.unique_seed(limit, number, 3) for seed in seeds for number in range(3)}
    assert len(own) == 100
    assert len(others) == 300
    assert not own & others
