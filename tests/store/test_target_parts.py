"""Names and statistics of targets of several numbers, from the table's mapping to the manifest."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from numbers_and_labels import make_dataset, study_of, write_table

from bevatron.errors import UserError
from bevatron.store.shards.columns import Dense, Group, Samples
from bevatron.store.shards.manifest import load_manifest
from bevatron.store.shards.shard import read_shard, write_shard

INPUTS = {"in": Group(Dense(np.zeros((4, 1), np.float32)), ("x",), ("",))}
TARGET, IDS = np.arange(8.0).reshape(4, 2), np.arange(4, dtype=np.uint64)
SAMPLES = Samples(INPUTS, {"t": TARGET}, IDS, parts={"t": ("a [GeV]", "β")})


def test_names_are_kept_by_a_shard(tmp_path):
    write_shard(tmp_path / "s.h5", SAMPLES, {})
    again = read_shard(tmp_path / "s.h5")
    assert again.parts == {"t": ("a [GeV]", "β")}
    assert again.take(np.array([2])).parts == again.parts


def test_a_shard_without_names_is_as_it_was_and_counts_its_numbers(tmp_path):
    from bevatron.store.shards.shard import Shard

    write_shard(tmp_path / "s.h5", replace(SAMPLES, parts={}), {})
    with h5py.File(tmp_path / "s.h5") as file:
        assert not list(file["targets/t"].attrs)
    with Shard(tmp_path / "s.h5") as shard:
        assert shard.targets["t"].names == ("1", "2")
        assert shard.targets["t"].n_numbers == 2


@pytest.mark.parametrize("parts", [{"t": ("a",)}, {"t": ("a", "a")}, {"t": ("a", "")}, {"u": ("a", "b")}])
def test_names_that_do_not_fit_are_refused(parts, tmp_path):
    with pytest.raises(UserError, match=r"target '[tu]'"):
        write_shard(tmp_path / "s.h5", replace(SAMPLES, parts=parts), {})
    assert not (tmp_path / "s.h5").exists()


def test_the_manifest_has_names_and_statistics_of_the_train_split(tmp_path):
    columns = write_table(tmp_path / "table.npz")
    path = make_dataset(study_of("several", tmp_path), tmp_path)
    manifest = load_manifest(path)
    assert manifest.targets["momenta"].names == ("px [GeV]", "py")
    assert manifest.targets["energy"].names == ()
    rows = (read_shard(path.parent / "train-0000.h5").id & np.uint64(2**40 - 1)).astype(int)
    for name, expected in (("momenta", ("px", "py")), ("energy", ("energy",))):
        for found, column in zip(manifest.target_statistics[name], expected, strict=True):
            values = columns[column][rows].astype(np.float32).astype(float)
            assert found.mean == pytest.approx(values.mean())
            assert found.std == pytest.approx(values.std())
            assert (found.minimum, found.maximum) == (values.min(), values.max())
    assert manifest.classes == ()


def test_the_manifest_counts_labels(tmp_path):
    columns = write_table(tmp_path / "table.npz")
    path = make_dataset(study_of("labels", tmp_path), tmp_path)
    manifest = load_manifest(path)
    assert manifest.classes == ("right", "high", "odd, one")
    assert manifest.target_statistics == {}
    rows = (read_shard(path.parent / "test-0000.h5").id & np.uint64(2**40 - 1)).astype(int)
    assert manifest.class_counts("test")["right"] == columns["right"][rows].sum()


def test_a_manifest_without_new_fields_keeps_its_digest(tmp_path):
    """What an older Bevatron wrote has no parts and no statistics of targets, and is neither changed nor damaged."""
    from bevatron.json_text import read_json
    from bevatron.store.files.publish import publish_json

    write_table(tmp_path / "table.npz")
    study = study_of("gaussian", tmp_path)
    path = make_dataset(study, tmp_path)
    older = load_manifest(path)
    targets = {name: info.model_copy(update={"parts": ()}) for name, info in older.targets.items()}
    older = older.model_copy(update={"targets": targets, "target_statistics": {}}).with_checksum()
    payload = older.model_dump(mode="json")
    del payload["target_statistics"]
    for target in payload["targets"].values():
        del target["parts"]
    publish_json(path, payload)
    assert load_manifest(path).sha256 == older.sha256
    assert read_json(path).keys() == payload.keys()


@pytest.mark.parametrize(
    ("kind", "name", "values", "message"),
    [
        ("labels", "tags", np.full((4, 3), 0.5), r"target 'tags', row 0, label 'right': found 0.5, expected 0 or 1"),
        ("labels", "tags", np.zeros(4), "target 'tags' is one number for each sample; a multi_label needs a list of"),
        (
            "several",
            "momenta",
            np.zeros((4, 2, 3)),
            "target 'momenta' is 2 × 3 for each sample; a regression needs one",
        ),
    ],
)
def test_targets_of_another_form_are_refused_with_the_shard(kind, name, values, message, tmp_path):
    from bevatron.prepare.stage import write_manifest

    write_table(tmp_path / "table.npz")
    study = study_of(kind, tmp_path)
    path = make_dataset(study, tmp_path)
    shard = read_shard(path.parent / "train-0000.h5").take(np.arange(4))
    parts = {} if values.ndim != 2 else {name: shard.parts[name]}
    changed = replace(shard, targets={name: values}, parts=parts)
    write_shard(path.parent / "train-0000.h5", changed, shard.attributes)
    path.unlink()
    with pytest.raises(UserError, match=message) as error:
        write_manifest(study, path.parent)
    assert "\n" not in str(error.value)
    assert not path.exists()
