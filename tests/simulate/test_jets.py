"""The jets of Pythia and FastJet, against a plain loop over the same events and against physics."""

import math

import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.simulate.collisions.event_jets import build_jet_samples
from bevatron.simulate.collisions.pythia import Collisions
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.jets import PROCESSES, PythiaJets

RANDOM = np.random.default_rng(1)  # for the calorimeter alone
B_MESONS = (511, 521)
B_LIFETIME = 0.47  # cτ of B0 and B±, mm (Particle Data Group: 0.455 and 0.491)


def simulated(shard=3, seed=11, **options):
    return PythiaJets().simulate(PythiaJets.Options(kind="jets", **options), shard, ShardSeed.of(str(seed), shard))


@pytest.fixture(scope="module")
def jets():
    samples, _ = simulated(events=100)
    return samples


def column(samples, group):
    return samples.inputs[group].column


def test_jets_pass_the_cuts(jets):
    pt, eta, phi, mass = column(jets, "jet").values.T
    assert pt.min() > 20.0
    assert np.abs(eta).max() < 2.5
    assert np.abs(phi).max() <= np.float32(np.pi)
    assert mass.min() >= 0.0


def test_a_jet_is_the_sum_of_its_constituents(jets):
    members = column(jets, "constituents")
    px, py, pz, energy = np.add.reduceat(members.values[:, :4].astype(np.float64), members.offsets[:-1]).T
    pt = np.hypot(px, py)
    mass = np.sqrt(np.maximum(energy**2 - pt**2 - pz**2, 0))
    expected = np.stack([pt, np.arcsinh(pz / pt), np.arctan2(py, px), mass], axis=1)
    np.testing.assert_allclose(column(jets, "jet").values, expected, rtol=2e-4, atol=1e-5)


def test_constituents_are_visible_particles(jets):
    pdg_id = np.abs(column(jets, "constituent_ids").values[:, 0])
    assert not np.isin(pdg_id, [12, 14, 16]).any()
    assert np.isin(pdg_id, [11, 13, 22, 130, 211, 321, 2112, 2212]).all()  # the stable ones, K0_S and Λ decayed


def test_charges_are_the_particles_own(jets):
    pdg_id, thirds = column(jets, "constituent_ids").values.T
    known = {11: -3, 13: -3, 22: 0, 130: 0, 211: 3, 321: 3, 2112: 0, 2212: 3}
    expected = [math.copysign(1, number) * known[abs(number)] for number in pdg_id.tolist()]
    assert thirds.tolist() == expected


def test_ids_tell_shard_event_and_rank(jets):
    assert len(np.unique(jets.id)) == len(jets)
    assert (jets.id >> np.uint64(40) == 3).all()
    assert (jets.id >> np.uint64(8) == jets.targets["event"]).all()
    event, pt = jets.targets["event"], column(jets, "jet").values[:, 0]
    same = event[1:] == event[:-1]
    assert (pt[1:][same] <= pt[:-1][same]).all()


def test_events_of_all_processes_are_in_every_shard(jets):
    assert set(jets.targets["process"].tolist()) == {0, 1, 2}
    assert jets.attributes["processes"] == ["beauty", "charm", "light"]


def test_beauty_mesons_live_as_long_as_they_should(jets):
    hadrons, ids = column(jets, "hadrons").values.astype(np.float64), column(jets, "hadron_ids").values
    hadrons = hadrons[np.isin(np.abs(ids[:, 0]), B_MESONS)]
    momentum = np.linalg.norm(hadrons[:, :3], axis=1)
    mass = np.sqrt(hadrons[:, 3] ** 2 - momentum**2)
    proper = np.linalg.norm(hadrons[:, 4:], axis=1) * mass / momentum
    np.testing.assert_allclose(mass, 5.28, atol=0.02)
    assert abs(proper.mean() / B_LIFETIME - 1) < 4 / np.sqrt(len(proper))  # exponential: relative error 1/√n


def test_strange_decays_keep_their_vertices(jets):
    """K0_S and Λ are the light jets' displaced background; prompt particles start at the collision itself."""
    light = jets.take(np.flatnonzero(jets.targets["process"] == 2))
    radius = np.hypot(*column(light, "constituents").values[:, 4:6].T)
    assert np.mean(radius == 0.0) > 0.4
    assert np.sum((radius > 3.0) & (radius < 300.0)) > 10


def reference_jets(collisions, events):
    """By FastJet's and Pythia's plain objects: (event, pt, eta, its heavy hadrons in order of their
    numbers)."""
    import fastjet

    weak = {511, 521, 531, 541, 5122, 5132, 5232, 5332, 411, 421, 431, 4122, 4132, 4232, 4332}
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, 0.4)
    found = []
    for event in range(events):
        assert collisions.pythia.next()
        seen, hadrons = [], []
        for p in collisions.pythia.event:
            if p.isFinal() and abs(p.id()) not in (12, 14, 16) and abs(p.eta()) < 4.9:
                seen.append(fastjet.PseudoJet(p.px(), p.py(), p.pz(), p.e()))
            if abs(p.id()) in weak:
                hadrons.append((p.id(), p.eta(), p.phi()))
        sequence = fastjet.ClusterSequence(seen, definition)
        here = [(jet.pt(), jet.eta(), jet.phi()) for jet in sequence.inclusive_jets(20.0)]
        inside = {place: [] for place in range(len(here))}
        for number, eta, phi in hadrons:
            away = [math.hypot(eta - j[1], math.remainder(phi - j[2], 2 * math.pi)) for j in here]
            if away and min(away) < 0.8:
                inside[away.index(min(away))].append(number)
        chosen = [(pt, eta, sorted(inside[i])) for i, (pt, eta, _) in enumerate(here) if abs(eta) < 2.5]
        found += [(event, *jet) for jet in sorted(chosen, reverse=True)]
    return found


@pytest.mark.parametrize("process", ["beauty", "charm"])
def test_vectorised_jets_and_hadrons_are_those_of_a_plain_loop(process):
    options = PythiaJets.Options(kind="jets", events=40, processes={process: PROCESSES[process]})
    settings = [*PythiaJets.settings(options), *PROCESSES[process]]
    expected = reference_jets(Collisions(settings, 5, process), 40)
    collisions = Collisions(settings, 5, process)
    samples = build_jet_samples(next(collisions.batches(40)), collisions.charges, options, 0, 0, RANDOM)
    assert samples.targets["event"].tolist() == [jet[0] for jet in expected]
    np.testing.assert_allclose(column(samples, "jet").values[:, 0], [jet[1] for jet in expected], rtol=1e-6)
    np.testing.assert_allclose(column(samples, "jet").values[:, 1], [jet[2] for jet in expected], atol=1e-6)
    ids = column(samples, "hadron_ids")
    lists = np.split(ids.values[:, 0], ids.offsets[1:-1])
    assert [sorted(numbers.tolist()) for numbers in lists] == [jet[3] for jet in expected]


def test_same_seed_same_jets_and_other_seed_other_jets():
    few = {"events": 15, "processes": {"beauty": PROCESSES["beauty"]}}
    first, again, other = (simulated(seed=seed, **few)[0] for seed in (1, 1, 2))
    assert column(first, "constituents").values.tobytes() == column(again, "constituents").values.tobytes()
    assert column(first, "jet").values.tobytes() != column(other, "jet").values.tobytes()


def test_the_order_of_processes_in_the_file_does_not_matter():
    """A digest does not see it either."""
    forwards = {name: PROCESSES[name] for name in ("beauty", "light")}
    backwards = dict(reversed(forwards.items()))
    first, second = (simulated(events=10, processes=mapping)[0] for mapping in (forwards, backwards))
    assert column(first, "jet").values.tobytes() == column(second, "jet").values.tobytes()


def test_a_setting_that_pythia_does_not_know_is_named():
    with pytest.raises(UserError, match=r"processes.beauty: Pythia does not know the setting 'HardQCD:bottom = on'"):
        simulated(events=5, processes={"beauty": ["HardQCD:bottom = on"]})


def test_the_cuts_are_options():
    samples, _ = simulated(events=15, jet_pt_min=30.0, jet_eta_max=1.0, processes={"light": PROCESSES["light"]})
    pt, eta = column(samples, "jet").values[:, :2].T
    assert pt.min() > 30.0
    assert np.abs(eta).max() < 1.0


@pytest.mark.slow
def test_nearly_all_the_time_is_spent_inside_pythia():
    from time import perf_counter

    import awkward  # noqa: F401  importing is paid once a process, whatever the number of events
    import fastjet  # noqa: F401

    start = perf_counter()
    _, facts = simulated(events=400)
    assert facts["seconds_in_generator"] / (perf_counter() - start) >= 0.9


def test_spectators_are_the_charged_particles_outside_of_the_jets_kept():
    """Against a plain loop over the same events; listed with the first jet of each event."""
    events, seed = 25, 9
    options = PythiaJets.Options(kind="jets", jet_pt_min=20.0)
    settings = [*PythiaJets.settings(options), *PROCESSES["beauty"]]
    collisions, again = (Collisions(settings, seed, "here") for _ in range(2))
    (particles,) = collisions.batches(events)
    samples = build_jet_samples(particles, collisions.charges, options, 0, 0, RANDOM)
    members, outside = column(samples, "constituents"), column(samples, "spectators")
    event = samples.targets["event"].astype(int)
    first = np.flatnonzero(np.diff(event, prepend=-1))
    assert len(first) < len(samples)
    expected = {}
    for number, batch in enumerate(again.batches(events)):
        assert number == 0
        for entry in range(len(batch.pdg_id)):
            pt = math.hypot(batch.px[entry], batch.py[entry])
            charged = again.pythia.particleData.chargeType(int(batch.pdg_id[entry])) != 0
            if batch.status[entry] > 0 and charged and pt > 0.5 and abs(math.asinh(batch.pz[entry] / pt)) < 2.5:
                expected.setdefault(int(batch.event[entry]), set()).add(np.float32(batch.px[entry]))
    for jet in range(len(samples)):
        found = {row[0] for row in outside.values[outside.offsets[jet] : outside.offsets[jet + 1]]}
        if jet not in first:
            assert not found
            continue
        jets = np.flatnonzero(event == event[jet])
        inside = {row[0] for k in jets for row in members.values[members.offsets[k] : members.offsets[k + 1]]}
        assert found == expected[event[jet]] - inside
    thirds = column(samples, "spectator_ids").values[:, 1]
    assert (thirds != 0).all()
