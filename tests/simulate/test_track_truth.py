"""Where tracks come from: by hand, on Pythia's events against a plain walk, and against published numbers."""

import numpy as np
import pytest

from bevatron.raw.track_origins import FROM_B, FROM_BC, FROM_C, ORIGINS, OTHER_SECONDARY, PRIMARY
from bevatron.simulate.collisions.hadrons import find_weakly_decaying
from bevatron.simulate.collisions.particles import Particles
from bevatron.simulate.collisions.pythia import Collisions
from bevatron.simulate.collisions.track_truth import find_origins, is_parton
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.jets import PROCESSES, PythiaJets

# PDG numbers
PION, KAON, MUON, TAU, K0_S, LAMBDA, GLUON, B_QUARK, STRING = 211, 321, 13, 15, 310, 3122, 21, 5, 90
B_PLUS, B_STAR, B_STAR_2, B0, D0, D_S, J_PSI, LAMBDA_B, LAMBDA_C = 521, 523, 525, 511, 421, 431, 443, 5122, 4122


def record(*events):
    """Of each event the entries (PDG number, mother); entry 0 is the event, mother 0 none."""
    offsets = np.cumsum([0, *(len(event) for event in events)])
    pdg_id, mother = np.array([entry for event in events for entry in event]).T
    daughter = np.zeros(len(pdg_id), np.int64)
    for start, event in zip(offsets, events, strict=False):
        for k in reversed(range(1, len(event))):
            daughter[start + event[k][1]] = k
    status = np.where(daughter == 0, 91, -91)
    zeros = np.zeros(len(pdg_id))
    return Particles(offsets, pdg_id, status, mother, daughter, zeros, zeros, zeros, zeros, np.zeros((len(pdg_id), 3)))


WHOLE = (STRING, 0)


def origin_of_last(*entries):
    particles = record([WHOLE, *entries])
    return ORIGINS[find_origins(particles, np.array([len(entries)]))[0]]


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        ([B_QUARK, PION], "primary"),
        ([GLUON, B_PLUS, PION], "from_b"),
        ([GLUON, B_PLUS, D0, PION], "from_bc"),
        ([GLUON, LAMBDA_B, LAMBDA_C, LAMBDA, PION], "from_bc"),
        ([GLUON, B_PLUS, J_PSI, MUON], "from_b"),
        ([GLUON, B_PLUS, K0_S, PION], "from_b"),
        ([GLUON, B_PLUS, TAU, MUON], "from_b"),
        ([GLUON, D_S, TAU, MUON], "from_c"),
        ([GLUON, D0, KAON], "from_c"),
        ([GLUON, K0_S, PION], "other_secondary"),
        ([GLUON, TAU, PION], "other_secondary"),
        ([GLUON, B_STAR, B_PLUS, D0, PION], "from_bc"),
        ([2212, GLUON, PION], "primary"),
        ([PION], "primary"),
    ],
)
def test_a_chain_of_first_mothers(chain, expected):
    """Each entry is the daughter of the one before."""
    assert origin_of_last(*((number, k) for k, number in enumerate(chain))) == expected


def test_a_pion_of_a_strong_decay_is_primary():
    """B2* → B+ π: only the B+ decays weakly."""
    particles = record([WHOLE, (GLUON, 0), (B_STAR_2, 1), (B0, 2), (PION, 2), (PION, 3)])
    np.testing.assert_array_equal(find_origins(particles, np.array([4, 5])), [PRIMARY, FROM_B])


def test_events_do_not_mix_and_any_order_is_allowed():
    particles = record(
        [WHOLE, (GLUON, 0), (B0, 1), (PION, 2)], [WHOLE], [WHOLE, (GLUON, 0), (K0_S, 1), (PION, 2), (PION, 1)]
    )
    entries = np.array([9, 3, 8, 3])
    np.testing.assert_array_equal(find_origins(particles, entries), [PRIMARY, FROM_B, OTHER_SECONDARY, FROM_B])
    assert len(find_origins(particles, np.zeros(0, np.int64))) == 0


def test_a_record_that_goes_round_in_circles_ends():
    particles = record([WHOLE, (PION, 2), (PION, 1)])
    assert find_origins(particles, np.array([1]))[0] == PRIMARY


def test_partons_and_hadrons_are_told_apart():
    partons = [1, -5, 6, 21, 2101, -3303, 5503, 90, 92]
    hadrons = [11, 15, 22, 111, 130, 211, 310, 2212, 2112, -3122, 511, 5122, 443, 10411, 20413, 100443, 9000111]
    assert is_parton(np.array(partons)).all()
    assert not is_parton(np.array(hadrons)).any()


@pytest.fixture(scope="module")
def beauty():
    """Events with beauty quarks: Pythia's records with all that was in them, and the charges."""
    options = PythiaJets.Options(kind="jets")
    collisions = Collisions([*PythiaJets.settings(options), *PROCESSES["beauty"]], 4, "here")
    (particles,) = collisions.batches(200)
    return particles, collisions.charges(particles.pdg_id)


def plain_ancestors(particles, entry):
    """PDG numbers of all hadrons and leptons above an entry, by a walk, nearest first."""
    event = int(np.searchsorted(particles.offsets, entry, side="right")) - 1
    start, found = int(particles.offsets[event]), []
    at = entry
    while particles.mother[at] > 0:
        at = start + int(particles.mother[at])
        if is_parton(particles.pdg_id[[at]])[0]:
            break
        found.append(at)
    return found


def test_pythia_events_agree_with_a_plain_walk(beauty):
    particles, charges = beauty
    heavy = find_weakly_decaying(particles)
    quark = dict(zip(heavy.entry.tolist(), heavy.quark.tolist(), strict=True))
    entries = np.flatnonzero((particles.status > 0) & (charges != 0))[:4000]
    found = find_origins(particles, entries)
    seen = set()
    for entry, origin in zip(entries.tolist(), found.tolist(), strict=True):
        above = plain_ancestors(particles, entry)
        quarks = {quark.get(k, 0) for k in above}
        strange = any(abs(int(particles.pdg_id[k])) in (15, 310, 3122, 3222, 3112, 3312, 3322, 3334) for k in above)
        expected = (
            FROM_BC if quarks >= {4, 5} else FROM_B if 5 in quarks else FROM_C if 4 in quarks
            else OTHER_SECONDARY if strange else PRIMARY
        )  # fmt: skip
        assert origin == expected
        seen.add(origin)
    assert seen >= {PRIMARY, FROM_B, FROM_BC, OTHER_SECONDARY}


def test_what_comes_from_beauty_is_made_where_or_after_it_decays(beauty):
    """And primary particles at the collision: positions are no part of the ancestry."""
    particles, charges = beauty
    entries = np.flatnonzero((particles.status > 0) & (charges != 0))
    origin = find_origins(particles, entries)
    distance = np.sqrt((particles.vertex[entries] ** 2).sum(axis=1))
    assert (distance[origin == PRIMARY] < 0.01).mean() > 0.998
    assert distance[origin == PRIMARY].max() < 1.0  # mm: hard π0 fly some hundredths before they decay to e e γ
    assert (distance[(origin == FROM_B) | (origin == FROM_BC)] > 0).all()
    assert np.median(distance[origin == FROM_BC]) > np.median(distance[origin == FROM_B])
    assert np.median(distance[origin == OTHER_SECONDARY]) > 5.0


def test_beauty_hadrons_decay_to_as_many_charged_particles_as_measured(beauty):
    """4.97 ± 0.07 charged particles of a b hadron at the Z, without the daughters of K0_S and Λ (Particle Data Group,
    B± / B0 / B_s0 / b-baryon admixture: mean charged multiplicity).
    """
    particles, charges = beauty
    entries = np.flatnonzero((particles.status > 0) & (charges != 0))
    origin = find_origins(particles, entries)
    from_beauty = entries[(origin == FROM_B) | (origin == FROM_BC)]
    prompt = [
        entry for entry in from_beauty.tolist()
        if not any(abs(int(particles.pdg_id[k])) in (310, 3122) for k in plain_ancestors(particles, entry))
    ]  # fmt: skip
    heavy = find_weakly_decaying(particles)
    n_hadrons = (heavy.quark == 5).sum()
    assert n_hadrons > 350
    assert len(prompt) / n_hadrons == pytest.approx(4.97, abs=0.35)


def test_origins_go_with_constituents_and_spectators_and_only_if_asked():
    settings = {"kind": "jets", "events": 20, "processes": {"beauty": PROCESSES["beauty"]}}
    plain, traced = (
        PythiaJets().simulate(PythiaJets.Options(**settings, track_truth=truth), 0, ShardSeed.of("3", 0))[0]
        for truth in (False, True)
    )
    assert set(traced.inputs) - set(plain.inputs) == {"constituent_origins", "spectator_origins"}
    for name, group in plain.inputs.items():
        assert group.column.values.tobytes() == traced.inputs[name].column.values.tobytes()
    for origins, of in (("constituent_origins", "constituents"), ("spectator_origins", "spectators")):
        column = traced.inputs[origins].column
        np.testing.assert_array_equal(column.offsets, traced.inputs[of].column.offsets)
        assert set(np.unique(column.values)) <= {PRIMARY, FROM_B, FROM_BC, FROM_C, OTHER_SECONDARY}
    in_jets = np.mean(np.isin(traced.inputs["constituent_origins"].column.values, (FROM_B, FROM_BC)))
    outside = np.mean(np.isin(traced.inputs["spectator_origins"].column.values, (FROM_B, FROM_BC)))
    assert in_jets > 0.1 > outside
