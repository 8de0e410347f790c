"""Targets of the elements of lists come back as they were written, with their elements, and are refused where wrong."""

from dataclasses import replace
from itertools import pairwise

import h5py
import numpy as np
import pytest
import torch
from element_target_datasets import ORIGINS, make_dataset, with_element_targets
from made_samples import attributes_of, make_samples, make_study

from bevatron.api.datasets import open_dataset
from bevatron.errors import UserError
from bevatron.simulate.batches import concatenate_samples
from bevatron.store.files.publish import sha256_of
from bevatron.store.files.verify import verify
from bevatron.store.readers.batch import RaggedBatch, cut, pad
from bevatron.store.readers.partitions import WHOLE, Part
from bevatron.store.readers.reader import open_split
from bevatron.store.shards.build_manifest import build_manifest
from bevatron.store.shards.columns import Dense, ElementTarget, Group, Ragged, SparseImages
from bevatron.store.shards.inspect import inspect
from bevatron.store.shards.manifest import load_manifest, write_manifest
from bevatron.store.shards.shard import Shard, read_shard, write_shard

NAMES = ["origin", "vertex", "wire"]
SOME = np.array([3, 0, 7, 7, 1])  # with lists of 3, 0, 2, 2 and 1 tracks


def made(n=40):
    return with_element_targets(make_samples(n))


def same_targets(one, other):
    return one.element_targets.keys() == other.element_targets.keys() and all(
        (t.group, t.classes, t.values.dtype) == (o.group, o.classes, o.values.dtype)
        and np.array_equal(t.values, o.values)
        for t, o in zip(one.element_targets.values(), other.element_targets.values(), strict=True)
    )


@pytest.mark.parametrize("n", [0, 1, 2500])
def test_round_trip_repeats_byte_for_byte(n, tmp_path):
    samples = made(n)
    for name in ("one", "two"):
        write_shard(tmp_path / name, samples, {})
    assert sha256_of(tmp_path / "one") == sha256_of(tmp_path / "two")
    again = read_shard(tmp_path / "one")
    assert same_targets(samples, again)
    assert again.optional == ("decay_length",)
    assert np.array_equal(again.targets["decay_length"], samples.targets["decay_length"], equal_nan=True)
    with Shard(tmp_path / "one") as shard:
        assert shard.targets["decay_length"].optional
        assert not shard.targets["energy"].optional
        assert shard.element_targets["origin"].classes == ORIGINS
    assert verify(tmp_path / "one") == []


def test_samples_without_them_have_the_bytes_that_they_had(tmp_path):
    write_shard(tmp_path / "plain.h5", make_samples(40), {})
    with h5py.File(tmp_path / "plain.h5") as file:
        assert "element_targets" not in file
        assert not list(file["targets/energy"].attrs)


def test_taken_and_joined_samples_keep_their_elements_targets():
    samples = made()
    taken = samples.take(SOME)
    assert same_targets(taken, with_element_targets(make_samples(40).take(SOME)))
    samples = replace(samples, inputs={name: samples.inputs[name] for name in ("jets", "tracks", "hits")})
    parts = [samples.take(np.arange(a, b)) for a, b in pairwise([0, 1, 1, 13, 40])]
    joined = concatenate_samples(parts, {})
    assert same_targets(joined, samples)
    assert joined.optional == samples.optional


def replaced(name, **changes):
    samples = made()
    return replace(samples, element_targets={name: replace(samples.element_targets[name], **changes)})


def changed_value(name, dtype, at, value):
    values = made().element_targets[name].values.astype(dtype)
    values[at] = value
    return replaced(name, values=values)


HOSTILE = {
    "too few": (lambda: replaced("origin", values=np.zeros(79, np.int8)), "origin'.*79 values, expected one for each"),
    "of two axes": (lambda: replaced("vertex", values=np.zeros((80, 1), np.int32)), "vertex'.*80 × 1 values"),
    "of no list": (lambda: replaced("origin", group="jets"), "the group 'jets' has no lists"),
    "of other images": (lambda: replaced("origin", group="image"), "found 80 values, expected one for each of the 100"),
    "of nothing": (lambda: replaced("origin", group="truth"), "there is no group 'truth'"),
    "NaN": (lambda: changed_value("vertex", np.float32, 3, np.nan), "holds float32, expected signed integers"),
    "unsigned": (lambda: replaced("vertex", values=np.zeros(80, np.uint8)), "holds uint8"),
    "above": (
        lambda: changed_value("origin", np.int8, 9, 3),
        r"row 4 \(sample id 4\): element 3 has the class number 3",
    ),
    "below": (lambda: changed_value("origin", np.int8, 0, -2), r"row 1 .*: element 0 has the class number -2"),
    "same class": (lambda: replaced("origin", classes=("a", "a", "b")), "each needs one of its own"),
    "same name": (
        lambda: replace(made(), element_targets={"energy": ElementTarget("tracks", np.zeros(80, np.int8))}),
        "'energy': a target of samples has the same name",
    ),
    "optional": (lambda: replace(made(), optional=("flavour",)), "'flavour', which is no target of floating-point"),
    "infinite": (
        lambda: replace(made(3), targets={"decay_length": np.array([1, np.nan, np.inf])}),
        r"target 'decay_length', row 2 .* is infinite",
    ),
    "not optional": (lambda: replace(made(), optional=()), r"target 'decay_length', row 0 .* is NaN"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_does_not_go_together_is_refused(case, tmp_path):
    make, message = HOSTILE[case]
    with pytest.raises(UserError, match=message) as error:
        write_shard(tmp_path / "s.h5", make(), {})
    assert "s.h5" in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "s.h5").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f["element_targets/origin"].attrs.modify("group", "hits"), "80 entries for the"),
        (lambda f: f["element_targets/origin"].attrs.modify("group", "jets"), "there are no such lists"),
        (lambda f: f["element_targets/origin"].attrs.__delitem__("group"), "of the group 'None'"),
        (lambda f: f["element_targets"].create_dataset("none", data=np.zeros(3, np.int8)), "of the group 'None'"),
        (lambda f: f["element_targets"].create_group("deep"), "is damaged: found a group, expected a dataset"),
        (lambda f: f["element_targets/origin"].attrs.create("classes", 3), "is damaged"),
        (lambda f: f["targets/energy"].attrs.create("optional", [1, 2]), "is damaged"),
    ],
)
def test_a_file_from_elsewhere_is_refused_before_it_is_read(change, message, tmp_path):
    write_shard(tmp_path / "s.h5", made(), {})
    with h5py.File(tmp_path / "s.h5", "r+") as file:
        change(file)
    with pytest.raises(UserError, match=message) as error:
        read_shard(tmp_path / "s.h5")
    assert "\n" not in str(error.value)


def readers(path, part=WHOLE, partitions=4):
    for budget in (1e9, 8e3):  # resident; streamed in blocks of few rows
        with open_split(
            path,
            "train",
            batch_size=7,
            groups=["jets", "tracks", "hits"],
            element_targets=NAMES,
            memory_budget_bytes=budget,
            part=part,
            partitions=partitions,
        ) as reader:
            yield reader


@pytest.mark.parametrize("workers", [1, 2])
def test_both_readers_deliver_them_with_their_elements(workers, tmp_path):
    path = make_dataset(tmp_path, [300, 0, 277])
    kinds = set()
    for number in range(workers):
        for reader in readers(path, Part(number, workers)):
            kinds.add(type(reader).__name__)
            n = 0
            for batch in reader.epoch(5, 2):
                ids = batch["id"].numpy()
                expected, n = with_element_targets(make_samples(600).take(ids)), n + len(ids)
                for name in NAMES:
                    found, target = batch["element_targets"][name], expected.element_targets[name]
                    assert np.array_equal(found.values.numpy(), target.values)
                    column = expected.inputs[target.group].column
                    assert np.array_equal(found.lengths.numpy(), column.lengths)
                    assert len(found.values) == len(batch["inputs"][target.group].values)
            assert n == sum(reader.part.before(577) for _ in "1")
    assert kinds == {"ResidentReader", "StreamingReader"}


def test_none_is_read_unless_it_is_asked_for(tmp_path):
    path = make_dataset(tmp_path, [50])
    with open_split(path, "train", batch_size=10) as reader:
        plain = reader.split.bytes
        assert "element_targets" not in next(iter(reader.epoch(1, 0)))
    with open_split(path, "train", batch_size="full", element_targets=["origin"]) as reader:
        assert reader.split.bytes == plain + sum(e.elements["tracks"] for e in reader.split.entries)  # int8
        batch = next(iter(reader.epoch(1, 0, shuffle=False)))
        assert np.array_equal(
            batch["element_targets"]["origin"].values.numpy(), made(50).element_targets["origin"].values
        )
    with pytest.raises(UserError, match="'wire' is a target of the elements of 'hits', which is not read"):
        open_split(path, "train", batch_size=10, groups=["tracks"], element_targets=["wire"])
    with pytest.raises(UserError, match=r"has no target of elements 'origins' .did you mean 'origin'"):
        open_split(path, "train", batch_size=10, element_targets=["origins"])


def test_a_batch_is_cut_with_them_and_they_can_be_padded(tmp_path):
    path = make_dataset(tmp_path, [50])
    with open_split(path, "train", batch_size=50, groups=["tracks"], element_targets=["vertex"]) as reader:
        batch = next(iter(reader.epoch(1, 0)))
    lengths, sizes = batch["inputs"]["tracks"].lengths, [20, 0, 30]
    counts = [int(part.sum()) for part in lengths.split(sizes)]
    pieces = list(cut(batch, sizes, {"tracks": counts, "vertex": counts}))
    joined = torch.cat([piece["element_targets"]["vertex"].values for piece in pieces])
    assert torch.equal(joined, batch["element_targets"]["vertex"].values)
    assert torch.equal(pieces[2]["element_targets"]["vertex"].lengths, lengths[20:])
    padded = pad(batch["element_targets"]["vertex"], 3).values
    rows = batch["id"][:, None] + torch.arange(3)
    assert torch.equal(padded.long(), torch.where(torch.arange(3) < lengths[:, None], rows, 0))
    assert isinstance(batch["element_targets"]["vertex"], RaggedBatch)


def test_the_manifest_counts_the_elements_of_each_class(tmp_path):
    path = make_dataset(tmp_path, [60, 41])
    manifest = load_manifest(path)
    owner, place = np.divmod(np.arange(101 * 5), 5)
    number = ((owner + place) % 4 - 1)[place < owner % 5]
    assert manifest.element_counts("origin", "train") == {c: int((number == k).sum()) for k, c in enumerate(ORIGINS)}
    assert list(manifest.splits["train"][0].element_counts) == ["origin"]
    text = inspect(path)
    assert "element_targets/vertex" in text
    assert f"{(number == 2).sum()} from_b" in text
    assert "of tracks, 3 classes" in inspect(path.parent / "train-0000.h5")


def test_shards_that_differ_in_them_are_refused(tmp_path):
    from made_samples import make_study

    from bevatron.store.shards.build_manifest import build_manifest

    make_dataset(tmp_path, [30, 30])
    other = read_shard(tmp_path / "train-0001.h5")
    changed = replace(other.element_targets["origin"], classes=("fake", "from_b", "primary"))
    write_shard(tmp_path / "train-0001.h5", replace(other, element_targets={"origin": changed}), other.attributes)
    with pytest.raises(UserError, match=r"train-0001.h5: its element_targets differ from those of train-0000.h5"):
        build_manifest(tmp_path, make_study(2))


def test_an_optional_target_is_not_the_task_s(tmp_path):
    from bevatron.config.sections.task import Regression
    from bevatron.store.shards.target_form import check_target_form

    manifest = load_manifest(make_dataset(tmp_path, [30]))
    task = Regression.model_validate({"kind": "regression", "target": "decay_length"})
    with pytest.raises(UserError, match="'decay_length' is missing in some samples"):
        check_target_form(tmp_path, task, "decay_length", manifest.targets["decay_length"])


def test_python_users_get_them(tmp_path):
    data = open_dataset(make_dataset(tmp_path, [20, 20]))
    assert data.element_targets["origin"].classes == ORIGINS
    arrays = data.to_numpy("train")
    assert np.array_equal(arrays["vertex"], made().element_targets["vertex"].values)
    assert np.array_equal(
        data.to_numpy("train", ["tracks"], limit=7)["origin"], made(7).element_targets["origin"].values
    )


def test_a_group_of_no_lists_has_no_elements():
    samples = replace(made(), inputs={**made().inputs, "tracks": Group(Dense(np.zeros((40, 1))), ("x",), ("",))})
    with pytest.raises(TypeError, match="only a group of lists"):
        samples.take(SOME)
    assert isinstance(made().inputs["tracks"].column, Ragged)


def with_classes_of_pixels(n=40):
    """Samples with a class for each stored pixel of their sparse images: its index modulo 3."""
    samples = make_samples(n)
    name = next(name for name, group in samples.inputs.items() if isinstance(group.column, SparseImages))
    values = (samples.inputs[name].column.index % 3).astype(np.int8)
    return replace(samples, element_targets={"kind": ElementTarget(name, values, ("a", "b", "c"))}), name


def test_pixels_of_sparse_images_have_targets_too(tmp_path):
    samples, name = with_classes_of_pixels()
    write_shard(tmp_path / "s.h5", samples, {})
    again = read_shard(tmp_path / "s.h5")
    assert same_targets(samples, again)
    assert verify(tmp_path / "s.h5") == []
    taken = samples.take(SOME)
    index = taken.inputs[name].column.index
    np.testing.assert_array_equal(taken.element_targets["kind"].values, index % 3)
    assert same_targets(again.take(SOME), taken)


@pytest.mark.parametrize("budget", [4e9, 0.0])
def test_readers_keep_pixels_and_their_targets_together(budget, tmp_path):
    study, first = make_study(1), 0
    for split, n in (("train", 50), ("val", 6), ("test", 6)):
        samples, name = with_classes_of_pixels(n)
        samples = replace(samples, id=samples.id + np.uint64(first))
        write_shard(tmp_path / f"{split}-0000.h5", samples, attributes_of(study))
        first += n
    write_manifest(tmp_path / "manifest.json", build_manifest(tmp_path, study))
    options = {"groups": [name], "targets": [], "element_targets": ["kind"], "memory_budget_bytes": budget}
    reader = open_split(tmp_path / "manifest.json", "train", batch_size=7, **options)
    n = 0
    with reader:
        for batch in reader.epoch(3, 0):
            images, target = batch["inputs"][name], batch["element_targets"]["kind"]
            assert torch.equal(target.values.int(), images.index % 3)
            assert torch.equal(target.lengths, images.offsets.diff())
            n += len(batch["id"])
            sizes = [2, len(batch["id"]) - 2] if len(batch["id"]) > 2 else [len(batch["id"])]
            places = images.offsets[np.cumsum([0, *sizes])].diff().tolist()
            for part in cut(batch, sizes, {name: places, "kind": places}):
                assert torch.equal(part["element_targets"]["kind"].values.int(), part["inputs"][name].index % 3)
    assert n == 50
