"""What the ready studies say of files that are missing, cut short, of another content, or more than expected."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import uproot
from study_files import WRITERS
from study_runs import STUDIES, demo

from bevatron.config.loading.load import load_study
from bevatron.config.loading.missing_data import missing_data_of
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.expressions import parse
from bevatron.simulate.stage import simulate_shard


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """All the small files, written once."""
    folder = tmp_path_factory.mktemp("files")
    for name, write in WRITERS.items():
        write(folder / "data" / name)
    return folder


@pytest.fixture
def place(written, tmp_path, monkeypatch):
    """A folder with a copy of the files of one study."""
    monkeypatch.chdir(tmp_path)

    def copy(name: str) -> Study:
        shutil.copytree(written / "data" / name, tmp_path / "data" / name)
        return demo(name)

    return copy


def simulate(study: Study) -> None:
    for shard in range(study.simulation.shards):
        simulate_shard(study, shard, Path("raw") / f"shard-{shard:04d}.h5")


def refusal(study: Study) -> str:
    """The one line that simulating the study brings; nothing half-written is left behind."""
    with pytest.raises(UserError) as error:
        simulate(study)
    assert not list(Path().rglob("*.part"))
    text = str(error.value)
    assert "\n" not in text
    return text


def rewrite_hdf5(path: Path, change) -> None:
    with h5py.File(path, "a") as file:
        change(file)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("scale", ["demo", "paper"])
def test_without_files_a_study_is_left_out_by_name(name, scale, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = load_study(name, scale, STUDIES)
    assert study.optional
    assert f"data/{name}/" in missing_data_of(study)


@pytest.mark.parametrize("name", WRITERS)
def test_with_files_it_is_not_left_out_and_with_a_part_of_them_it_is(name, place):
    study = place(name)
    assert missing_data_of(study) is None
    last = study.simulation.source.resolve_files()[-1]
    last.unlink()
    for other in last.parent.glob("*"):
        if name in ("jetclass", "microboone"):  # patterns: a folder without a file
            other.unlink()
    assert f"data/{name}/" in missing_data_of(study)


def test_the_splits_at_the_published_sizes_are_the_published_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    source = load_study("higgs", "paper", STUDIES).simulation.source
    edges = np.array([0, 9_999_999, 10_000_000, 10_499_999, 10_500_000, 10_999_999])
    found = {split: parse(text, "here").evaluate({"entry": edges}) for split, text in source.splits.items()}
    assert found["train"].tolist() == [True, True, False, False, False, False]
    assert found["val"].tolist() == [False, False, True, True, False, False]
    assert found["test"].tolist() == [False, False, False, False, True, True]  # the last 500,000
    quarks = load_study("quark_gluon", "paper", STUDIES).simulation.source
    assert [len(quarks.files[split]) for split in ("train", "val", "test")] == [16, 2, 2]  # of 100,000 jets
    assert len(set(quarks.patterns())) == 20
    for folder, first, files in (("train_100M", 0, 100), ("val_5M", 120, 5), ("test_20M", 100, 20)):
        Path("data/jetclass", folder).mkdir(parents=True)
        for number in range(files):
            Path("data/jetclass", folder, f"HToBB_{first + number:03d}.root").touch()
    splits = load_study("jetclass", "paper", STUDIES).simulation.source.split_of_files()
    assert [splits.count(k) for k in range(3)] == [100, 5, 20]
    splits = load_study("jetclass", "demo", STUDIES).simulation.source.split_of_files()
    assert [splits.count(k) for k in range(3)] == [1, 1, 1]


class TestMissingColumns:
    def test_root_branch(self, place):
        study = place("jetclass")
        path = Path("data/jetclass/train_100M/HToBB_000.root")
        with uproot.open(path) as file:
            content = {name: branch.array() for name, branch in file["tree"].items() if name != "part_d0val"}
        with uproot.recreate(path) as file:
            file["tree"] = content
        text = refusal(study)
        assert text.startswith(f"{path}: has no column 'part_d0val'")
        assert "did you mean 'part_dzval'" in text

    def test_numbered_columns_of_pandas(self, place):
        study = place("top_tagging")
        path = Path("data/top_tagging/val.h5")
        frame = pd.read_hdf(path, key="table")
        frame.drop(columns=[f"PZ_{k}" for k in range(200)]).to_hdf(path, key="table", format="table", mode="w")
        assert f"{path}: has no column 'PZ'" in refusal(study)

    def test_a_field_of_a_compound_dataset(self, place):
        study = place("atlas_flavour")
        path = Path("data/atlas_flavour/pp_output_train.h5")

        def without_valid(file):
            tracks = file["tracks"][()]
            del file["tracks"]
            file["tracks"] = tracks[[name for name in tracks.dtype.names if name != "valid"]]

        rewrite_hdf5(path, without_valid)
        assert f"{path}: has no column 'tracks.valid'" in refusal(study)

    def test_numbers_of_rows_of_events(self, place):
        study = place("microboone")
        path = Path("data/microboone/inclusive/bnb_NoWire_00.h5")
        rewrite_hdf5(path, lambda file: file["hit_table"].__delitem__("event_id.seq_cnt"))
        assert f"{path}: has no dataset 'event_id.seq_cnt' in 'hit_table'" in refusal(study)

    def test_an_array_of_an_npz(self, place):
        study = place("quark_gluon")
        path = Path("data/quark_gluon/QG_jets.npz")
        with np.load(path) as arrays:
            np.savez(path.with_suffix(""), X=arrays["X"])
        assert f"{path}: has no column 'y'" in refusal(study)

    @pytest.mark.parametrize(
        ("name", "file"), [("higgs", "HIGGS.csv.gz"), ("higgsml", "atlas-higgs-challenge-2014-v2.csv.gz")]
    )
    def test_a_column_of_a_text(self, place, name, file):
        study = place(name)
        path = Path("data", name, file)
        header = None if name == "higgs" else 0
        frame = pd.read_csv(path, header=header)
        frame.iloc[:, :-1].to_csv(path, header=header is not None, index=False)
        text = refusal(study)
        assert str(path) in text
        assert ("has 28 columns, and simulation.source.names has 29" if name == "higgs" else "KaggleWeight") in text


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_cut_short_is_named(name, place):
    study = place(name)
    path = study.simulation.source.resolve_files()[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert str(path) in refusal(study)


class TestMoreThanExpected:
    def test_other_files_in_the_folder_are_not_read(self, place):
        study = place("jetclass")
        before = study.simulation.source.resolve_files()
        Path("data/jetclass/train_100M/HToBB_000.root.part").write_text("half a download")
        Path("data/jetclass/train_100M/README.txt").write_text("notes")
        assert study.simulation.source.resolve_files() == before

    def test_one_that_looks_like_data_is_named(self, place):
        study = place("jetclass")
        path = Path("data/jetclass/train_100M/ANotes_000.root")
        path.write_text("no ROOT file")
        assert str(path) in refusal(study)

    def test_a_file_that_is_there_twice_is_named(self, place):
        study = place("microboone")
        first = Path("data/microboone/inclusive/bnb_NoWire_00.h5")
        shutil.copy(first, first.with_name("copy_of_bnb_NoWire_00.h5"))
        text = refusal(study)
        assert "copy_of_bnb_NoWire_00.h5" in text
        assert first.name in text


def test_another_galaxy_file_than_the_published_one_is_refused(place):
    study = place("galaxy10")
    published = load_study("galaxy10", "demo", STUDIES)
    source = study.simulation.source.model_copy(update={"sha256": published.simulation.source.sha256})
    simulation = study.simulation.model_copy(update={"source": source})
    assert "the study says 19aefc477c41" in refusal(study.model_copy(update={"simulation": simulation}))


def test_a_jet_of_an_unknown_flavour_is_told(place):
    study = place("salt_tutorial")
    path = Path("data/salt_tutorial/pp_output_train.h5")

    def unknown_flavour(file):
        jets = file["jets"][()]
        jets["flavour"][3] = 15
        file["jets"][...] = jets

    rewrite_hdf5(path, unknown_flavour)
    assert f"{path}: flavour: entry 3 is of none of the classes light, charm, beauty" in refusal(study)
