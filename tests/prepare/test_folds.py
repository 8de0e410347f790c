"""The datasets of a cross-validation: every event is tested once, and no network learns from what it is tested on."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from folded_datasets import FOLDED, make_folded
from pydantic import ValidationError

from bevatron.config.loading.identity import dataset_digest
from bevatron.config.sections.dataset import DatasetSection
from bevatron.config.sections.study import Study
from bevatron.errors import UserError
from bevatron.prepare.stage import prepare_shard, write_manifest
from bevatron.raw.split import rows_by_shard, rows_by_use
from bevatron.simulate.stage import simulate_shard
from bevatron.store.files.verify import verify
from bevatron.store.shards.columns import Samples
from bevatron.store.shards.dataset import Dataset, load_dataset
from bevatron.store.shards.folds import fold_of

SPLITS = ("train", "val", "test")


def read(dataset: Dataset, split: str) -> dict[str, np.ndarray]:
    """Columns of a split by name."""
    columns: dict[str, list] = {name: [] for name in ("event", "id", "weight", "label", "pt", "mass")}
    for shard in dataset.open_shards(split):
        values = shard.group("jet").column.values
        columns["pt"].append(values[:, 0])
        columns["mass"].append(values[:, 1])
        for name in ("event", "id", "weight"):
            columns[name].append(shard.read(name))
        columns["label"].append(shard.read("targets/label"))
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def of_folds(folder: Path, k: int = 3) -> list[Dataset]:
    return [load_dataset(folder / f"manifest-fold-{fold}.json") for fold in range(k)]


def test_the_tests_of_all_folds_are_the_whole_dataset_once(folded):
    events = np.concatenate([read(dataset, "test")["event"] for dataset in of_folds(folded.dataset)])
    assert sorted(events.tolist()) == sorted(folded.rows["event"].tolist())
    whole = read(load_dataset(folded.dataset / "manifest.json"), "test")
    assert (whole["event"] == events).all()  # in the order of the folds
    assert len(set(whole["id"].tolist())) == 600


def test_no_event_is_in_two_splits_of_a_fold(folded):
    for fold, dataset in enumerate(of_folds(folded.dataset)):
        events = {split: set(read(dataset, split)["event"].tolist()) for split in SPLITS}
        assert sum(map(len, events.values())) == 300  # all of them
        assert set.union(*events.values()) == set(folded.rows["event"].tolist())
        assert (fold_of(np.array(sorted(events["test"])), 3) == fold).all()


def test_train_and_val_are_in_the_ratio_of_the_split(folded):
    for dataset in of_folds(folded.dataset):
        n_train, n_val = (len(set(read(dataset, split)["event"].tolist())) for split in ("train", "val"))
        n, fraction = n_train + n_val, 0.1 / 0.9
        assert abs(n_val - n * fraction) < 4 * np.sqrt(n * fraction * (1 - fraction))


def test_normalisation_leaves_the_fold_out(folded):
    for dataset in of_folds(folded.dataset):
        train = read(dataset, "train")
        for name in ("pt", "mass"):
            statistics, values = dataset.manifest.statistics["jet"][name], train[name].astype(np.float64)
            assert statistics.count == len(values)
            assert statistics.mean == pytest.approx(values.mean(), rel=1e-12)
            assert statistics.std == pytest.approx(values.std(), rel=1e-12)
            assert statistics.median == pytest.approx(np.median(values))
        for split in SPLITS:
            columns = read(dataset, split)
            assert dataset.manifest.weights[split].sum == pytest.approx(columns["weight"].astype(np.float64).sum())
            counts = np.bincount(columns["label"], minlength=2).tolist()
            assert list(dataset.manifest.class_counts(split).values()) == counts
    assert len({dataset.manifest.statistics["jet"]["pt"].mean for dataset in of_folds(folded.dataset)}) == 3


def test_the_folds_do_not_depend_on_files_and_shards(folded, tmp_path):
    other = make_folded(tmp_path, n_files=4)
    assert other.study.simulation.shards > 1
    for one, four in zip(of_folds(folded.dataset), of_folds(other.dataset), strict=True):
        for split in SPLITS:
            columns = [read(dataset, split) for dataset in (one, four)]
            rows = [np.lexsort((c["mass"], c["event"])) for c in columns]
            for name in ("event", "pt", "label", "weight"):
                assert (columns[0][name][rows[0]] == columns[1][name][rows[1]]).all()


def test_shards_are_on_disk_once(folded):
    names = sorted(path.name for path in folded.dataset.glob("*.h5"))
    assert names == sorted(f"fold-{k}-{part}-0000.h5" for k in range(3) for part in ("train", "val"))
    assert verify(folded.dataset) == verify(folded.dataset / "manifest-fold-1.json") == []


def test_balancing_leaves_the_test_as_it_is(tmp_path):
    balance = {"method": "resample", "bins": {"jet.pt": [45.0]}}
    made = make_folded(tmp_path, balance=balance)
    whole = read(load_dataset(made.dataset / "manifest.json"), "test")
    assert sorted(whole["event"].tolist()) == sorted(made.rows["event"].tolist())
    learned = [read(dataset, "train") for dataset in of_folds(made.dataset)]
    assert max(len(columns["event"]) for columns in learned) < 0.8 * 0.9 * 600 * 2 / 3
    for columns, dataset in zip(learned, of_folds(made.dataset), strict=True):
        assert not set(columns["event"].tolist()) & set(read(dataset, "test")["event"].tolist())
    together = np.concatenate([columns["label"][columns["pt"] > 45] for columns in learned])  # each event twice
    n = np.bincount(together, minlength=2) / 2
    assert abs(n[0] - n[1]) < 4 * np.sqrt(n.sum())


def test_a_fold_of_one_class_is_refused_and_nothing_written(folded, tmp_path):
    """The signal is taken out of all events of fold 1."""
    in_fold = fold_of(folded.rows["event"], 3) == 1
    rows = {name: values[~in_fold | (folded.rows["label"] == 0)] for name, values in folded.rows.items()}
    lines = [
        ",".join(rows),
        *(",".join(map(str, row)) for row in zip(*(c.tolist() for c in rows.values()), strict=True)),
    ]
    (tmp_path / "0.csv").write_text("\n".join(lines) + "\n")
    source = folded.study.simulation.source.model_copy(update={"files": [str(tmp_path / "0.csv")]})
    study = folded.study.model_copy(
        update={"simulation": folded.study.simulation.model_copy(update={"source": source})}
    )
    simulate_shard(study, 0, tmp_path / "raw.h5")
    prepare_shard(study, tmp_path / "raw.h5", tmp_path / "dataset")
    with pytest.raises(
        UserError, match="class 'signal' is empty: no sample of it in the test split of fold 1 of 3"
    ) as e:
        write_manifest(study, tmp_path / "dataset")
    assert "\n" not in str(e.value)
    assert not list((tmp_path / "dataset").glob("*.json"))


def test_more_folds_than_events_are_refused(folded, tmp_path):
    study = folded.study.model_copy(update={"dataset": folded.study.dataset.model_copy(update={"folds": 100})})
    prepare_shard(study, folded.folder / "raw" / "shard-0000.h5", tmp_path)
    with pytest.raises(UserError, match="of 100"):
        write_manifest(study, tmp_path)


def test_a_shard_of_another_fold_is_refused(folded, tmp_path):
    shutil.copytree(folded.dataset, tmp_path / "dataset")
    one, two = (tmp_path / "dataset" / f"fold-{k}-val-0000.h5" for k in (1, 2))
    swapped = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(swapped)
    with pytest.raises(UserError, match="is of fold 2, expected fold 1 of 3"):
        write_manifest(folded.study, tmp_path / "dataset")


def raw(**targets: np.ndarray) -> Samples:
    return Samples({}, targets, np.arange(6, dtype=np.uint64))


@pytest.mark.parametrize(
    ("targets", "match"),
    [({"split": np.arange(6) % 3}, "a split of their own"), ({"selected": np.full(6, 1)}, "not tested on")],
)
def test_samples_that_cannot_be_cut_are_refused(targets, match):
    with pytest.raises(UserError, match=match):
        rows_by_use(raw(**targets), DatasetSection(recipe={"kind": "table"}, folds=2))


def test_every_row_is_in_one_shard():
    section = DatasetSection(recipe={"kind": "table"}, folds=2)
    samples = raw(event=np.array([5, 5, 6, 6, 7, 7]))
    shards = rows_by_shard(samples, section, rows_by_use(samples, section))
    assert sorted(np.concatenate(list(shards.values())).tolist()) == list(range(6))
    assert set(shards) == {f"fold-{k}-{part}" for k in (0, 1) for part in ("train", "val")}


def changed(**update: object) -> dict:
    tree = {**FOLDED, **{key: value for key, value in update.items() if key in FOLDED}}
    tree["dataset"] = {**FOLDED["dataset"], **update.get("dataset", {})}
    tree["simulation"] = {"source": {**FOLDED["simulation"]["source"], **update.get("source", {})}}
    return tree


@pytest.mark.parametrize(
    ("update", "match"),
    [
        ({"dataset": {"folds": 1}}, "folds"),
        ({"dataset": {"folds": 101}}, "folds"),
        ({"dataset": {"folds": True}}, "folds"),
        (
            {"source": {"files": {"train": ["a.csv"], "val": ["b.csv"], "test": ["c.csv"]}}},
            "dataset.folds: .* by split",
        ),
        ({"source": {"test_selection": "pt > 3"}}, "dataset.folds: .*test_selection"),
        ({"dataset": {"balance": {"method": "reweight"}}}, "dataset.folds: .*one weight"),
        ({"dataset": {"balance": {"method": "resample", "splits": ["test"]}}}, "dataset.folds: a balanced test"),
        ({"task": {**FOLDED["task"], "attacks": {"epsilons": [0.1]}}}, "dataset.folds: adversarial"),
    ],
)
def test_what_does_not_go_together_is_said_before_anything_is_made(update, match):
    with pytest.raises(ValidationError, match=match):
        Study.model_validate(changed(**update))


def test_a_study_without_folds_keeps_its_digest_and_one_with_folds_has_another():
    without = Study.model_validate(changed(dataset={"folds": None}))
    assert "folds" not in without.model_dump(mode="json")["dataset"]
    five = Study.model_validate(changed(dataset={"folds": 5}))
    assert len({dataset_digest(study) for study in (without, five, Study.model_validate(FOLDED))}) == 3
