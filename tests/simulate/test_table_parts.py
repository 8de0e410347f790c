"""Splits that the data name themselves, the first rows of each file, and the middle of images."""

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml

from bevatron.config.loading.identity import raw_digest
from bevatron.config.sections.data_part import DataPart
from bevatron.errors import UserError
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.simulate.stage import simulate_shard
from bevatron.store.shards.manifest import load_manifest
from bevatron.store.shards.shard import read_shard

N = 60
SOURCE = {
    "kind": "table",
    "files": ["a.csv", "b.csv"],
    "groups": {"row": {"features": ["x"]}},
    "targets": {"y": {"value": "x"}},
    "observers": {"at": "entry"},
}
SPLITS = {"train": "entry < 40", "val": "40 <= entry < 50", "test": "entry >= 55"}


def study(**source) -> DataPart:
    return DataPart.model_validate(
        {
            "name": "mine",
            "title": "Mine",
            "summary": "Of files.",
            "simulation": {"source": SOURCE | source},
            "dataset": {"recipe": {"kind": "table"}},
            "task": {"kind": "regression", "target": "y"},
        }
    )


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for offset, name in ((0, "a.csv"), (1000, "b.csv")):
        pd.DataFrame({"x": offset + np.arange(N), "which": np.resize(list("tvbu"), N)}).to_csv(name, index=False)
    return tmp_path


def samples(**source):
    simulate_shard(study(**source), 0, "raw.h5")
    return read_shard("raw.h5")


@pytest.mark.usefixtures("place")
class TestSplits:
    def test_each_row_goes_where_its_file_says(self):
        found = samples(splits=SPLITS)
        x = found.observers["at"] + 1000 * (found.inputs["row"].column.values[:, 0] >= 1000)
        np.testing.assert_array_equal(found.inputs["row"].column.values[:, 0], x)  # entry counts from 0 in each file
        assert np.bincount(found.targets["split"]).tolist() == [80, 20, 10]
        np.testing.assert_array_equal(found.targets["split"], np.digitize(found.observers["at"], [40, 50]))
        assert not np.isin(found.observers["at"], range(50, 55)).any()  # of no split

    def test_a_dataset_has_these_splits_whatever_its_fractions(self, tmp_path):
        named = study(splits={"train": "which == 't'", "val": "which == 'v'", "test": "which == 'b'"})
        simulate_shard(named, 0, "raw/shard-0000.h5")
        prepare_shard(named, tmp_path / "raw/shard-0000.h5", tmp_path / "dataset")
        write_manifest(named, tmp_path / "dataset")
        manifest = load_manifest(tmp_path / "dataset/manifest.json")
        assert [manifest.n_samples(split) for split in ("train", "val", "test")] == [30, 30, 30]

    def test_a_column_called_entry_is_the_files_own(self):
        pd.DataFrame({"x": [1.0, 2.0], "entry": [5, 7]}).to_csv("own.csv", index=False)
        assert samples(files=["own.csv"]).observers["at"].tolist() == [5, 7]

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ({"splits": SPLITS | {"val": "entry < 50"}}, "a.csv: entry 0 is of the splits train and val"),
            ({"splits": SPLITS | {"val": "x / 0 * 0 > nan * x", "train": "nan * x"}}, "is NaN"),
        ],
    )
    def test_rows_of_two_splits_or_of_nan_are_told(self, source, message):
        with pytest.raises(UserError) as error:
            samples(**source)
        assert message in str(error.value)

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ({"splits": {"train": "x > 1", "test": "x < 1"}}, "splits: val is missing"),
            ({"splits": SPLITS, "files": {"train": ["a.csv"], "test": ["b.csv"]}}, "the files are by split already"),
            ({"rows_per_file": 5, "per_shard": 5}, "rows_per_file: per_shard counts through whole files"),
            ({"groups": {"row": {"features": ["x"], "averaged": 2}}}, "averaged: only an image has pixels"),
        ],
    )
    def test_settings_that_contradict_are_told(self, source, message):
        with pytest.raises(ValueError, match=message):
            study(**source)


@pytest.mark.usefixtures("place")
class TestRowsPerFile:
    def test_the_first_rows_of_each_file_are_read(self):
        x = samples(rows_per_file=7).inputs["row"].column.values[:, 0]
        assert x.tolist() == [*range(7), *range(1000, 1007)]

    def test_more_than_there_are_is_all(self):
        assert len(samples(rows_per_file=10**9)) == 2 * N

    def test_a_file_cut_into_shards_gives_its_first_rows_once(self):
        with h5py.File("a.h5", "w") as file:
            file["x"] = np.arange(N, dtype=float)
        options = {"files": ["a.h5"], "rows_per_file": 10, "shard_mb": 0.0006}
        found = []
        for shard in range(study(**options).simulation.shards):
            simulate_shard(study(**options), shard, f"{shard}.h5")
            found += read_shard(f"{shard}.h5").inputs["row"].column.values[:, 0].tolist()
        assert shard > 1
        assert found == list(range(10))

    def test_a_damaged_rest_of_a_text_is_not_read(self, tmp_path):
        with (tmp_path / "a.csv").open("a") as file:
            file.write("1000,x\n" * 200_000 + "no number,x\n")
        assert len(samples(rows_per_file=20)) == 40


def test_new_keys_at_their_default_leave_digests_as_they_were():
    """The settings that digests are made of, written down before there were these keys."""
    settings = study().simulation.source.model_dump(mode="json")
    before = {
        "kind", "files", "per_shard", "sha256", "selection", "test_selection", "derived", "groups", "targets", "weight",
        "id", "observers", "missing", "format", "tree", "separator", "header", "names", "shard_mb",
    }  # fmt: skip
    assert set(settings) == before
    assert set(settings["groups"]["row"]) == {
        "layout", "features", "units", "exists", "length", "padding", "select", "order_by", "max_length", "column",
        "channels", "scale",
    }  # fmt: skip
    assert raw_digest(study()) == raw_digest(study(splits={}, rows_per_file=None, lists={}))
    others = {raw_digest(study(**change)) for change in ({}, {"splits": SPLITS}, {"rows_per_file": 3})}
    assert len(others) == 3
    again = DataPart.model_validate(yaml.safe_load(yaml.safe_dump(study(splits=SPLITS).model_dump(mode="json"))))
    assert raw_digest(again) == raw_digest(study(splits=SPLITS))


class TestImages:
    @pytest.fixture
    def images(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        values = np.random.default_rng(1).integers(0, 256, (5, 12, 10, 3), np.uint8)
        np.savez("images.npz", images=values, x=np.arange(5))
        return values

    def read(self, **image):
        group = {"layout": "image", "column": "images", "channels": "last", "scale": 1 / 255} | image
        return samples(files=["images.npz"], groups={"image": group}, observers={}).inputs["image"].column.values

    def test_the_middle_is_kept_and_averaged(self, images):
        found = self.read(crop=8, averaged=4)
        middle = images[:, 2:10, 1:9].astype(float) / 255
        expected = np.stack([
            [middle[:, 4 * i : 4 * i + 4, 4 * j : 4 * j + 4].mean(axis=(1, 2)) for j in range(2)] for i in range(2)
        ])  # (2, 2, n, channels)  # fmt: skip
        np.testing.assert_allclose(found, expected.transpose(2, 3, 0, 1), rtol=1e-6)

    @pytest.mark.usefixtures("images")
    def test_what_does_not_fit_is_told(self):
        with pytest.raises(UserError, match="its images have 12 × 10 pixels, crop asks for 11"):
            self.read(crop=11)
        with pytest.raises(UserError, match="12 × 10 pixels cannot be averaged by 4 along each side"):
            self.read(averaged=4)
