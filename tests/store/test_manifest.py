"""The manifest repeats byte for byte, and is refused when it or its shards are other than it says."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from bevatron.config.loading.identity import dataset_digest
from bevatron.errors import UserError
from bevatron.store.files.publish import sha256_of
from bevatron.store.files.verify import verify
from bevatron.store.readers.reader import open_split
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.inspect import inspect
from bevatron.store.shards.manifest import load_manifest, write_manifest
from bevatron.store.shards.shard import read_shard, write_shard


def rewrite(made, file, change, **attributes):
    """Replaces a shard by one with other samples or attributes."""
    old = read_shard(made.folder / file)
    write_shard(made.folder / file, change(old), {**old.attributes, **attributes})


def same(samples):
    return samples


def test_repeats_byte_for_byte(new_dataset):
    digests = {sha256_of(new_dataset([300, 200], folder=name).manifest) for name in "ab"}
    assert len(digests) == 1


def test_holds_no_path_host_or_time(new_dataset, tmp_path):
    text = new_dataset([300]).manifest.read_text()
    assert str(tmp_path) not in text
    assert "/" not in text


def test_numbers_of_the_dataset(dataset):
    manifest = load_manifest(dataset.manifest)
    assert [entry.samples for entry in manifest.splits["train"]] == [1000, 0, 777]
    assert manifest.n_samples("train") == 1777
    assert manifest.class_counts("train") == {"light": 593, "charm": 592, "beauty": 592}
    assert manifest.classes == ("light", "charm", "beauty")
    assert manifest.versions == {"ids": "1.0"}
    assert manifest.dataset_digest == dataset_digest(dataset.study)
    groups = manifest.groups
    assert (groups["tracks"].layout, groups["tracks"].shape, groups["tracks"].max_length) == ("ragged", (2,), 4)
    assert (groups["image"].layout, groups["image"].shape, groups["image"].max_length) == ("sparse", (2, 12, 12), 4)
    assert (groups["jets"].layout, groups["jets"].shape, groups["jets"].max_length) == ("dense", (2,), None)
    assert groups["hits"].dtype == "int32"
    assert manifest.targets["energy"].dtype == "float32"


def test_statistics_merge_over_shards_exactly(dataset, samples):
    """Against all numbers at once in float64; quantiles too, as the shards are small."""
    everything = samples(1777).inputs
    image = everything["image"].column
    columns = {
        ("jets", "pt"): everything["jets"].column.values[:, 0],
        ("jets", "eta"): everything["jets"].column.values[:, 1],
        ("tracks", "z0"): everything["tracks"].column.values[:, 1],
        ("hits", "wire"): everything["hits"].column.values[:, 0],
        ("image", "v"): image.value[image.index >= 12 * 12],
    }
    statistics = load_manifest(dataset.manifest).statistics
    for (group, feature), values in columns.items():
        found, values = statistics[group][feature], values.astype(np.float64)
        assert found.count == len(values)
        assert (found.minimum, found.maximum) == (values.min(), values.max())
        assert found.mean == pytest.approx(values.mean(), rel=1e-12)
        assert found.std == pytest.approx(values.std(), rel=1e-12)
        assert [found.q16, found.median, found.q84] == pytest.approx(np.quantile(values, [0.16, 0.5, 0.84]).tolist())


def test_a_changed_manifest_is_refused(new_dataset):
    made = new_dataset([30])
    tree = json.loads(made.manifest.read_text())
    tree["splits"]["train"][0]["samples"] = 31
    made.manifest.write_text(json.dumps(tree))
    with pytest.raises(UserError, match=r"manifest\.json: its content does not match its own digest"):
        load_manifest(made.manifest)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "is no JSON"), ("[]", "is no manifest"), ("{}", "is no manifest"), ('{"schema_version": 9}', "version 9")],
)
def test_something_else_is_refused(text, message, tmp_path):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=message):
        load_manifest(tmp_path / "manifest.json")


def test_a_missing_key_is_named(new_dataset):
    made = new_dataset([30])
    tree = json.loads(made.manifest.read_text())
    del tree["splits"]["val"][0]["sha256"]
    made.manifest.write_text(json.dumps(tree))
    with pytest.raises(UserError, match=r"splits\.val\.0\.sha256: Field required"):
        load_manifest(made.manifest)


def test_a_missing_manifest(tmp_path):
    with pytest.raises(UserError, match="no such file; run the prepare stage"):
        load_manifest(tmp_path / "manifest.json")


def test_the_manifest_of_another_configuration(dataset, study):
    other = dataset_digest(study(seed=2))
    with pytest.raises(UserError) as error:
        load_manifest(dataset.manifest, other)
    assert "another configuration" in str(error.value)
    assert other[:12] in str(error.value)
    assert dataset_digest(dataset.study)[:12] in str(error.value)
    with pytest.raises(UserError, match="another configuration"):
        open_split(dataset.manifest, "train", batch_size=10, expected_dataset_digest=other)


def test_building_refuses_shards_that_do_not_belong_together(new_dataset, samples):
    made = new_dataset([30, 30])
    cases = [
        (same, {"digest": "0" * 64}, "was made with dataset digest 000000000000"),
        (same, {"versions": {"ids": "2.0"}}, "its versions differ from those of train-0000.h5"),
        (same, {"classes": ["light", "charm"]}, "its classes differ"),
        (lambda s: replace(s, inputs={"jets": s.inputs["jets"]}), {}, "its groups differ"),
        (lambda s: replace(s, targets={"flavour": s.targets["flavour"]}), {}, "its targets differ"),
        (lambda s: samples(30, first_id=20), {}, "the sample id 20 is also in train-0000.h5"),
        (lambda s: replace(s, targets={**s.targets, "flavour": s.targets["flavour"] + 1}), {}, "class number 3"),
    ]
    path = made.folder / "train-0001.h5"
    whole = path.read_bytes()
    for change, attributes, message in cases:
        path.write_bytes(whole)
        rewrite(made, path.name, change, **attributes)
        with pytest.raises(UserError) as error:
            build_manifest(made.folder, made.study)
        assert message in str(error.value)
        assert path.name in str(error.value)


def with_weights(weights):
    return lambda s: replace(s, weight=np.resize(weights, len(s)).astype(np.float32))


def test_all_shards_have_weights_or_none_has(new_dataset):
    made = new_dataset([30, 30])
    for file, found in (("train-0001.h5", "weights, and those of train-0000.h5 have none"),):
        rewrite(made, file, with_weights([0.5, 2.0]))
        with pytest.raises(UserError) as error:
            build_manifest(made.folder, made.study)
        assert f"{file}: its samples have {found}; give all samples of the dataset weights" in str(error.value)
    rewrite(made, "train-0000.h5", with_weights([1.0]))
    with pytest.raises(UserError, match=r"its samples have no weights, and those of train-0000\.h5 have some"):
        build_manifest(made.folder, made.study)


def test_weights_are_summed_over_the_shards_and_shown(new_dataset):
    made = new_dataset([30, 30])
    for path in made.folder.glob("*.h5"):
        rewrite(made, path.name, with_weights([0.5, 2.0, -0.25, 1.0]))
    manifest = build_manifest(made.folder, made.study)
    w = np.concatenate([read_shard(made.folder / f"train-000{k}.h5").weight for k in (0, 1)]).astype(float)
    found = manifest.weights["train"]
    assert found.sum == pytest.approx(w.sum(), rel=1e-12)
    assert found.sum_of_squares == pytest.approx((w**2).sum(), rel=1e-12)
    assert found.magnitude == pytest.approx(np.abs(w).sum(), rel=1e-12)
    assert (found.minimum, found.maximum, found.negative) == (-0.25, 2.0, int((w < 0).sum()))
    assert sum(found.class_sums.values()) == pytest.approx(found.sum)
    write_manifest(made.manifest, manifest)
    assert load_manifest(made.manifest, dataset_digest(made.study)) == manifest
    text = inspect(made.manifest)
    assert "effective samples" in text
    assert f"{found.effective:.6g}" in text


def test_weights_that_add_up_to_nothing_are_refused(new_dataset):
    made = new_dataset([30])
    for path in made.folder.glob("*.h5"):
        rewrite(made, path.name, with_weights([1.0]))
    rewrite(made, "val-0000.h5", with_weights([0.0]))
    with pytest.raises(UserError, match=r"the weights of the val split add up to 0, not above zero"):
        build_manifest(made.folder, made.study)
    rewrite(made, "val-0000.h5", lambda s: replace(s, weight=(s.targets["flavour"] != 1).astype(np.float32)))
    with pytest.raises(UserError, match=r"the weights of class 'charm' in the val split add up to 0"):
        build_manifest(made.folder, made.study)


def test_weights_of_events_that_are_not_used_are_told_over_all_shards(new_dataset, caplog):
    """Each shard has one weight, and the shards have different ones."""
    made = new_dataset([30, 30])
    build_manifest(made.folder, made.study)
    assert "weights" not in caplog.text
    rewrite(made, "train-0001.h5", same, event_weights=[99.0, 99.0])
    build_manifest(made.folder, made.study)
    assert "the events' weights differ, and are not used: they go from 1 to 99 over all shards" in caplog.text


def test_a_manifest_without_sums_of_weights_is_loaded_by_no_stage(new_dataset):
    """As an older Bevatron made it; the store itself reads the weights still."""
    made = new_dataset([30])
    for split in ("train", "val", "test"):
        rewrite(made, f"{split}-0000.h5", lambda s: replace(s, weight=(s.id + 0.5).astype(np.float32)))
    manifest = load_manifest(made.manifest)
    entries = {
        split: tuple(
            e.model_copy(
                update={"sha256": sha256_of(made.folder / e.file), "bytes": (made.folder / e.file).stat().st_size}
            )
            for e in es
        )
        for split, es in manifest.splits.items()
    }
    write_manifest(made.manifest, manifest.model_copy(update={"weighted": True, "splits": entries}).with_checksum())
    digest = dataset_digest(made.study)
    for load in (load_manifest, lambda p, d: open_split(p, "train", batch_size=9, expected_dataset_digest=d)):
        with pytest.raises(UserError, match=r"manifest\.json: does not say what its samples' weights add up to"):
            load(made.manifest, digest)
    for batch in open_split(made.manifest, "train", batch_size=9).epoch(0, 0):
        assert (batch["weight"] == batch["id"] + 0.5).all()


def test_shards_with_and_without_events_make_no_dataset(new_dataset):
    """Samples of one event would be counted as independent in some shards, and not in others."""
    made = new_dataset([30, 30])
    rewrite(made, "test-0001.h5", lambda s: replace(s, event=s.id // np.uint64(2)))
    with pytest.raises(UserError, match=r"test-0001\.h5: its event differ"):
        build_manifest(made.manifest.parent, made.study)


def test_an_empty_class_and_an_empty_split_are_named(new_dataset):
    made = new_dataset([30, 30])
    for number in (0, 1):
        rewrite(made, f"val-000{number}.h5", lambda s: s.take(np.flatnonzero(s.targets["flavour"] != 1)))
    with pytest.raises(UserError, match=r"class 'charm' is empty: no sample of it in the val split; simulate more"):
        build_manifest(made.folder, made.study)
    for number in (0, 1):
        rewrite(made, f"val-000{number}.h5", lambda s: s.take(np.arange(0)))
    with pytest.raises(UserError, match="the val split has no sample"):
        build_manifest(made.folder, made.study)


def test_a_missing_shard_and_one_too_many(new_dataset, caplog):
    made = new_dataset([30, 30])
    shutil.copy(made.folder / "train-0001.h5", made.folder / "train-0002.h5")  # of an earlier, larger simulation
    build_manifest(made.folder, made.study)
    assert "train-0002.h5" in caplog.text
    (made.folder / "test-0001.h5").unlink()
    with pytest.raises(UserError, match=r"test-0001\.h5: no such file"):
        build_manifest(made.folder, made.study)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def swap(path):
    shutil.copy(path.with_name("train-0000.h5"), path)


FAULTS = {
    "missing": (lambda path: path.unlink(), "missing|no such file"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "bytes, the manifest says|truncated"),
    "bit-flipped": (flip, "SHA-256|damaged"),
    "swapped": (swap, "SHA-256|bytes, the manifest says"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("budget", [1e9, 1], ids=["resident", "streaming"])
def test_readers_refuse_a_shard_that_does_not_match(fault, budget, new_dataset):
    made = new_dataset([500, 500])
    damage, message = FAULTS[fault]
    damage(made.folder / "train-0001.h5")
    with pytest.raises(UserError, match=rf"train-0001\.h5: .*({message})"):
        for _ in open_split(made.manifest, "train", batch_size=100, memory_budget_bytes=budget).epoch(0, 0):
            pass


@pytest.mark.parametrize("fault", FAULTS)
def test_verify_finds_every_fault(fault, new_dataset):
    made = new_dataset([500, 500])
    assert verify(made.manifest) == verify(made.folder) == verify(made.folder / "train-0001.h5") == []
    damage, _ = FAULTS[fault]
    damage(made.folder / "train-0001.h5")
    (made.folder / "val-0000.h5").unlink()
    problems = verify(made.folder)
    assert len(problems) == 2
    assert "train-0001.h5" in problems[0]
    assert "val-0000.h5" in problems[1]
    assert len(verify(made.folder / "train-0001.h5")) == 1


def test_a_shard_changed_while_reading_epochs_is_noticed(new_dataset):
    """What passed once is not hashed again, unless the file has changed."""
    made = new_dataset([500])
    with open_split(made.manifest, "train", batch_size=100):
        pass
    flip(made.folder / "train-0000.h5")
    with pytest.raises(UserError, match="SHA-256"):
        open_split(made.manifest, "train", batch_size=100)


def test_inspect_names_what_is_there(dataset):
    text = inspect(dataset.folder / "train-0000.h5")
    for piece in ("1000 samples", "inputs/tracks", "ragged", "2 × 12 × 12", "pt [GeV]", "d0 [mm]", "beauty", "ids"):
        assert piece in text
    text = inspect(dataset.folder)
    for piece in ("study 'made'", "1777", "593", "tracks/d0", "mm", dataset_digest(dataset.study)):
        assert piece in text
    with pytest.raises(UserError, match="no such file"):
        inspect(dataset.folder / "gone.h5")


def test_written_and_loaded_manifests_are_equal(dataset, tmp_path):
    manifest = load_manifest(dataset.manifest)
    write_manifest(tmp_path / "m.json", manifest)
    assert (tmp_path / "m.json").read_bytes() == dataset.manifest.read_bytes()
