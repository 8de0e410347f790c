"""No two shards, processes or events of a study share a generator's seed, however few seeds it has."""

import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.compute.numerics.permutation import permute
from bevatron.config.sections.simulation import Simulation
from bevatron.config.sections.study import Study
from bevatron.simulate.argon.tracking.transport import event_seeds
from bevatron.simulate.collisions.pythia import SEEDS, Collisions
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.geant4 import full_seed
from bevatron.simulate.sources.jets import PROCESSES, PythiaJets
from bevatron.simulate.sources.lartpc import LiquidArgon
from bevatron.simulate.stage import simulate_shard
from bevatron.store.shards.shard import read_shard

SHARDS = 100_000


@pytest.mark.parametrize("digest", ["a study", "another"])
def test_pythia_starts_differently_for_every_shard_and_process(digest):
    study, per_shard = ShardSeed.of(digest, 0).study, len(PROCESSES)
    places = permute(np.arange(SHARDS * per_shard), SEEDS, study)
    assert len(np.unique(places)) == SHARDS * per_shard
    for shard in (0, 7_054, 9_321, SHARDS - 1):
        here = [ShardSeed.of(digest, shard).unique_seed(SEEDS, k, per_shard) for k in range(per_shard)]
        assert here == places[shard * per_shard : (shard + 1) * per_shard].tolist()


def test_shards_whose_drawn_seeds_met_modulo_pythia_s_limit_hold_other_events(tmp_path):
    """Shards 279 and 7310 of this study once had the same beauty events: 63 bits modulo 9·10⁸ were the same."""
    source = {"kind": "jets", "events": 3}
    section = Simulation.model_validate({"source": source, "shards": 10_000, "seed": 11})
    study = Study.model_construct(name="jets", simulation=section)
    momenta = []
    for shard in (279, 7_310):
        simulate_shard(study, shard, tmp_path / f"{shard}.h5")
        samples = read_shard(tmp_path / f"{shard}.h5")
        assert samples.attributes["processes"][0] == "beauty"
        momenta.append(samples.inputs["jet"].column.values[samples.targets["process"] == 0])
    assert len(momenta[0]) > 1
    assert not set(momenta[0][:, 0].tolist()) & set(momenta[1][:, 0].tolist())


def test_the_source_jets_gives_pythia_these_seeds(monkeypatch):
    used = []

    class Recorded(Collisions):
        def __init__(self, settings, seed, where):
            used.append(seed)
            super().__init__(settings, seed, where)

    monkeypatch.setattr("bevatron.simulate.sources.jets.Collisions", Recorded)
    options = PythiaJets.Options(
        kind="jets", events=1, jet_pt_min=5.0, processes={k: PROCESSES[k] for k in ("beauty", "charm")}
    )
    for shard in (4, 5):
        PythiaJets().simulate(options, shard, ShardSeed.of("a study", shard))
    assert used == permute(np.arange(8, 12), SEEDS, ShardSeed.of("a study", 0).study).tolist()


@pytest.mark.parametrize("seed", [-1, SEEDS, 2**63 - 1])
def test_a_seed_that_pythia_does_not_have_is_no_other_s(seed):
    with pytest.raises(ValueError, match="Pythia has no seed"):
        Collisions([], seed, "here")


def test_pythia_s_last_seeds_are_all_different():
    """It counts from 1 and takes larger ones, and 0, as its default or as the time."""
    drawn = {Collisions(PROCESSES["beauty"], seed, "here").pythia.rndm.flat() for seed in (0, 1, SEEDS - 2, SEEDS - 1)}
    assert len(drawn) == 4


def test_each_event_in_argon_has_a_seed_of_its_own():
    """10⁵ shards of ten events, and events far apart."""
    seeds = event_seeds(5, 10 * SHARDS)
    assert len(np.unique(seeds)) == 10 * SHARDS
    np.testing.assert_array_equal(event_seeds(5, 300, 700), seeds[700:1000])
    last = event_seeds(5, 1_000, 2**32 - 1_000)
    assert not set(last.tolist()) & set(seeds.tolist())
    with pytest.raises(ValueError, match="no seeds of their own"):
        event_seeds(5, 2, 2**32 - 1)


def test_batches_and_shards_go_on_with_the_next_events_seeds(monkeypatch):
    used = []

    def recorded(*arguments):
        used.append(event_seeds(*arguments))
        return used[-1]

    monkeypatch.setattr("bevatron.simulate.argon.tracking.transport.event_seeds", recorded)
    monkeypatch.setattr("bevatron.simulate.sources.lartpc.BATCH", 3)
    gun = {"particles": ["electron"], "kinetic_energy": [5, 6]}
    options = LiquidArgon.Options.model_validate({"kind": "lartpc", "events": 5, "gun": gun})
    for shard in (2, 3):
        LiquidArgon().simulate(options, shard, ShardSeed.of("a study", shard))
    assert [len(seeds) for seeds in used] == [3, 2, 3, 2]
    study = ShardSeed.of("a study", 0).study
    np.testing.assert_array_equal(np.concatenate(used), event_seeds(study, 10, 10))


def test_generators_with_all_their_bits_are_drawn_apart():
    """63 bits for NumPy's, 128 for calzone's, which sets the lowest one."""
    own = [ShardSeed.of("a study", shard).own for shard in range(SHARDS)]
    assert len(set(own)) == SHARDS
    geant4 = {full_seed(np.random.SeedSequence(seed).spawn(2)[1]) | 1 for seed in own}
    assert len(geant4) == SHARDS
    assert max(geant4) > 2**127
    assert min(geant4) > 2**64


def test_more_events_than_seeds_are_refused():
    source = {"kind": "lartpc", "events": 1_000_000, "gun": {"particles": ["electron"]}}
    assert Simulation.model_validate({"source": source, "shards": 4_294}).shards == 4_294
    with pytest.raises(ValidationError, match="'lartpc' has random seeds for 4,294 shards of this size, found 4,295"):
        Simulation.model_validate({"source": source, "shards": 4_295})


def test_a_place_beyond_a_shard_s_own_is_refused():
    with pytest.raises(ValueError, match="seed 3 of 3"):
        ShardSeed.of("a study", 0).unique_seed(SEEDS, 3, 3)
