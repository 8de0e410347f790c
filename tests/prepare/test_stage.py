"""From raw shards to a dataset and its manifest, and every mistake in one line."""

import dataclasses
import logging

import numpy as np
import pytest

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.dataset import DatasetSection
from bevatron.config.sections.simulation import Simulation
from bevatron.config.sections.study import Study
from bevatron.config.sections.task import Classification, Regression
from bevatron.errors import UserError
from bevatron.prepare.recipes.function import FunctionSamples
from bevatron.prepare.recipes.images import Images
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.stage import simulate_shard
from bevatron.store.shards.manifest import load_manifest
from bevatron.store.shards.shard import read_shard

SPLITS = ("train", "val", "test")


def study(source=None, recipe=None, task=None, shards=2, **simulation):
    """A study of which only the sections that these stages read are filled in."""
    source = source or {"kind": "function", "train": 50, "val": 20, "test": 30}
    return Study.model_construct(
        name="function",
        simulation=Simulation.model_validate({"source": source, "shards": shards} | simulation),
        dataset=DatasetSection.model_validate({"recipe": recipe or {"kind": "function", "noise": {"y": 5.0}}}),
        task=task or Regression(kind="regression", target="y", truth="x_squared", x="x"),
    )


@pytest.fixture
def raw(tmp_path):
    for shard in range(2):
        simulate_shard(study(), shard, tmp_path / f"raw/shard-{shard:04d}.h5")
    return tmp_path / "raw"


def prepare_all(configured, raw, folder):
    for shard in range(configured.simulation.shards):
        prepare_shard(configured, raw / f"shard-{shard:04d}.h5", folder)
    write_manifest(configured, folder)


def test_dataset_and_manifest(raw, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "bevatron"):
        prepare_all(study(), raw, tmp_path / "dataset")
    manifest = load_manifest(tmp_path / "dataset/manifest.json", dataset_digest(study()))
    assert [manifest.n_samples(split) for split in SPLITS] == [100, 40, 60]
    assert set(manifest.targets) == {"x_squared", "y"}
    assert read_shard(tmp_path / "dataset/test-0000.h5").event is None  # every sample is an event of its own
    assert sum("samples" in record.message and "MB" in record.message for record in caplog.records) == 3


def test_shards_beyond_four_digits(tmp_path):
    """Raw shards 9,999 and 10,001 of a study of 10,002, to the samples of each split and their ids."""
    large = study(shards=10_002)
    for number, name in ((9_999, "9999"), (10_001, "10001")):
        raw_path = tmp_path / f"raw/shard-{name}.h5"
        simulate_shard(large, number, raw_path)
        prepare_shard(large, raw_path, tmp_path / "dataset")
        for split in SPLITS:
            ids = read_shard(tmp_path / f"dataset/{split}-{name}.h5").id
            assert set((ids >> np.uint64(40)).tolist()) == {number}
    with pytest.raises(UserError, match="has shards 0 to 10001"):
        simulate_shard(large, 10_002, tmp_path / "raw/shard-10002.h5")


def test_a_recipe_is_told_which_samples_are_learned_from(raw, tmp_path, monkeypatch):
    """Those of the training shard, by the source's own split and by the events' hash."""
    told = {}
    for recipe in (FunctionSamples, Images):

        def recorded(self, options, raw, seed, training, prepare=recipe.prepare):
            told[options.kind] = raw.id[training]
            return prepare(self, options, raw, seed, training)

        monkeypatch.setattr(recipe, "prepare", recorded)
    task = Classification(kind="classification", target="label", classes=list("abcdefghij"), signal="b")
    digits = study({"kind": "digits"}, {"kind": "images"}, task, shards=1)
    simulate_shard(digits, 0, tmp_path / "digits/shard-0000.h5")
    for configured, made in ((study(), raw), (digits, tmp_path / "digits")):
        folder = tmp_path / configured.dataset.recipe.kind
        prepare_shard(configured, made / "shard-0000.h5", folder)
        learned = read_shard(folder / "train-0000.h5").id
        np.testing.assert_array_equal(told[configured.dataset.recipe.kind], learned)
        assert 0 < len(learned) < sum(len(read_shard(folder / f"{split}-0000.h5")) for split in SPLITS)


def test_repeating_gives_the_same_bytes(raw, tmp_path):
    for folder in ("a", "b"):
        prepare_all(study(), raw, tmp_path / folder)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 7
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_raw_shards_serve_another_recipe_without_simulating_again(raw, tmp_path):
    louder = study(recipe={"kind": "function", "noise": {"y": 20.0}})
    prepare_all(louder, raw, tmp_path / "dataset")
    assert dataset_digest(louder) != dataset_digest(study())


def test_a_raw_shard_of_another_configuration_is_refused(raw, tmp_path):
    with pytest.raises(UserError, match=r"shard-0000.h5: was made from another configuration.*run the simulate stage"):
        prepare_shard(study(seed=2), raw / "shard-0000.h5", tmp_path / "dataset")
    assert not (tmp_path / "dataset").exists()


def test_a_truncated_raw_shard_is_refused(raw, tmp_path):
    path = raw / "shard-0000.h5"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UserError, match=r"shard-0000\.h5"):
        prepare_shard(study(), path, tmp_path / "dataset")


def test_a_feature_that_is_not_a_number_is_named(raw, tmp_path, monkeypatch):
    usual = FunctionSamples.prepare

    def broken(self, *arguments):
        samples = usual(self, *arguments)
        samples.inputs["x"].column.values[3] = np.nan
        return dataclasses.replace(samples)

    monkeypatch.setattr(FunctionSamples, "prepare", broken)
    with pytest.raises(UserError, match=r"train-0000.h5: group 'x', feature 'x', row 3 .* is NaN"):
        prepare_shard(study(), raw / "shard-0000.h5", tmp_path / "dataset")
    assert not list((tmp_path / "dataset").glob("*"))


def test_a_missing_shard_is_named_by_the_manifest(raw, tmp_path):
    prepare_shard(study(), raw / "shard-0000.h5", tmp_path / "dataset")
    with pytest.raises(UserError, match=r"train-0001\.h5"):
        write_manifest(study(), tmp_path / "dataset")
    assert not (tmp_path / "dataset/manifest.json").exists()


def jets_study(events, shards=1):
    classes = ["light", "charm", "beauty"]
    task = Classification(kind="classification", target="flavour", classes=classes, signal="beauty")
    return study({"kind": "jets", "events": events}, {"kind": "jets"}, task, shards)


def test_jets_from_collisions_to_manifest(tmp_path):
    configured = jets_study(60, shards=2)
    for shard in range(2):
        simulate_shard(configured, shard, tmp_path / f"raw/shard-{shard:04d}.h5")
    prepare_all(configured, tmp_path / "raw", tmp_path / "dataset")
    manifest = load_manifest(tmp_path / "dataset/manifest.json")
    assert manifest.classes == ("light", "charm", "beauty")
    assert manifest.groups["tracks"].layout == "ragged"
    assert manifest.groups["tracks"].max_length == 15  # what the recipe cuts at, whatever these jets have
    assert set(manifest.versions) == {"pythia8mc", "fastjet", "awkward"}
    events = []
    for split in SPLITS:
        shards = [read_shard(path) for path in sorted((tmp_path / "dataset").glob(f"{split}-*.h5"))]
        assert len(shards) == 2
        events.append({int(number) >> 8 for shard in shards for number in shard.id})
        for shard in shards:  # whose events the evaluation draws
            assert (shard.event == shard.id >> np.uint64(8)).all()
    assert not events[0] & events[1]
    assert not events[0] & events[2]
    assert not events[1] & events[2]


def test_a_shard_with_an_empty_split_is_valid_but_a_dataset_without_the_class_is_not(tmp_path):
    configured = jets_study(2)
    simulate_shard(configured, 0, tmp_path / "raw/shard-0000.h5")
    prepare_shard(configured, tmp_path / "raw/shard-0000.h5", tmp_path / "dataset")
    sizes = [len(read_shard(tmp_path / f"dataset/{split}-0000.h5")) for split in SPLITS]
    assert min(sizes) == 0
    with pytest.raises(UserError, match=r"empty|no sample"):
        write_manifest(configured, tmp_path / "dataset")
    assert not (tmp_path / "dataset/manifest.json").exists()


def test_jets_repeat_byte_for_byte_and_say_what_they_are(tmp_path):
    configured = jets_study(40)
    simulate_shard(configured, 0, tmp_path / "raw/shard-0000.h5")
    for folder in ("a", "b"):
        prepare_shard(configured, tmp_path / "raw/shard-0000.h5", tmp_path / folder)
    names = [f"{split}-0000.h5" for split in SPLITS]
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)
    shards = [read_shard(tmp_path / "a" / name) for name in names]
    flavours = np.bincount(shards[0].targets["flavour"], minlength=3)
    assert flavours[0] == flavours[1] == flavours[2] > 0  # resampled
    for shard in shards:
        assert "No pile-up" in shard.attributes["approximations"]
        assert shard.inputs["experts"].definitions[0] == "transverse momentum of the jet, as the source clustered it"
