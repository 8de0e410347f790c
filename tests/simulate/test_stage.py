"""One raw shard: repeatable to the byte, its timing kept apart, mistakes told in one line."""

import json
import logging

import pytest

from bevatron.config.loading.identity import raw_digest
from bevatron.config.sections.simulation import Simulation
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.simulate.stage import simulate_shard
from bevatron.store.shards.shard import read_shard


def study(**simulation):
    """A study of which only name and simulation are filled in, as this stage reads no more."""
    source = {"kind": "function", "train": 50, "val": 20, "test": 30}
    section = Simulation.model_validate({"source": source, "shards": 2} | simulation)
    return Study.model_construct(name="function", simulation=section)


def test_the_same_shard_is_the_same_file(tmp_path):
    for folder in ("a", "b"):
        simulate_shard(study(), 1, tmp_path / folder / "shard-0001.h5")
    first, second = ((tmp_path / folder / "shard-0001.h5").read_bytes() for folder in ("a", "b"))
    assert first == second


def test_a_shard_does_not_depend_on_how_many_there_are(tmp_path):
    simulate_shard(study(shards=2), 1, tmp_path / "a.h5")
    simulate_shard(study(shards=9), 1, tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_shards_and_seeds_differ(tmp_path):
    simulate_shard(study(), 0, tmp_path / "a.h5")
    simulate_shard(study(), 1, tmp_path / "b.h5")
    simulate_shard(study(seed=2), 0, tmp_path / "c.h5")
    drawn = [read_shard(tmp_path / f"{name}.h5").inputs["draw"].column.values.tobytes() for name in "abc"]
    assert len(set(drawn)) == 3


def test_attributes_say_where_the_shard_comes_from(tmp_path):
    simulate_shard(study(), 1, tmp_path / "shard-0001.h5")
    attributes = read_shard(tmp_path / "shard-0001.h5").attributes
    assert attributes["digest"] == raw_digest(study())
    assert (attributes["study"], attributes["source"], attributes["shard"]) == ("function", "function", 1)
    assert set(attributes["versions"]) == {"numpy"}


def test_timing_stands_beside_the_shard_and_in_the_log(tmp_path, caplog):
    with caplog.at_level(logging.INFO, "bevatron"):
        simulate_shard(study(), 0, tmp_path / "shard-0000.h5")
    timing = json.loads((tmp_path / "shard-0000.timing.json").read_text())
    assert (timing["events"], timing["samples"]) == (100, 100)
    assert 0.0 < timing["share_in_generator"] <= 1.0
    assert timing["seconds_in_generator"] <= timing["seconds"]
    assert "samples a second" in caplog.records[-1].message


@pytest.mark.parametrize("shard", [-1, 2])
def test_a_shard_number_out_of_range_is_refused(tmp_path, shard):
    with pytest.raises(UserError, match="has shards 0 to 1"):
        simulate_shard(study(), shard, tmp_path / "shard.h5")
    assert not list(tmp_path.iterdir())


def test_a_shard_without_jets_is_refused(tmp_path):
    source = {"kind": "jets", "events": 1, "jet_pt_min": 5000.0}
    with pytest.raises(UserError, match="holds no sample"):
        simulate_shard(study(source=source), 0, tmp_path / "shard.h5")
    assert not list(tmp_path.iterdir())


def test_an_unwritable_folder_is_told_in_one_line(tmp_path):
    (tmp_path / "raw").write_text("a file where the folder should be")
    with pytest.raises(UserError) as told:
        simulate_shard(study(), 0, tmp_path / "raw" / "shard-0000.h5")
    assert "\n" not in str(told.value)
