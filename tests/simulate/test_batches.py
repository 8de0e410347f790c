"""Batches joined one by one are what NumPy's own concatenation makes of them."""

import numpy as np
import pytest

from bevatron.simulate.batches import Batches, concatenate_samples
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples, SparseImages


def a_batch(random: np.random.Generator, n: int, weighted: bool) -> Samples:
    lengths = random.integers(0, 4, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Samples(
        {"x": Group(Dense(random.normal(size=(n, 2)).astype(np.float32)), ("a", "b"), ("GeV", "1"), ("energy", "")),
         "list": Group(Ragged(random.normal(size=(offsets[-1], 3)), offsets), ("c", "d", "e"), ("1",) * 3)},
        {"y": random.integers(0, 5, n), "several": random.normal(size=(n, 2))},
        random.integers(0, 2**63, n).astype(np.uint64),
        random.random(n).astype(np.float32) if weighted else None,
        observers={"z": random.normal(size=n)},
        parts={"several": ("one", "two")},
    )  # fmt: skip


@pytest.mark.parametrize("sizes", [(1,), (0,), (0, 3, 0), (5, 1, 7), (20_000, 3, 40_000), (2,) * 50])
@pytest.mark.parametrize("weighted", [False, True])
def test_joined_batches_are_those_that_numpy_concatenates(sizes, weighted):
    random = np.random.default_rng(sum(sizes))
    parts = [a_batch(random, n, weighted) for n in sizes]
    joined = concatenate_samples(parts, {"study": "mine"})
    for found, wanted in (
        (joined.inputs["x"].column.values, [part.inputs["x"].column.values for part in parts]),
        (joined.inputs["list"].column.values, [part.inputs["list"].column.values for part in parts]),
        (joined.inputs["list"].column.lengths, [part.inputs["list"].column.lengths for part in parts]),
        (joined.targets["y"], [part.targets["y"] for part in parts]),
        (joined.targets["several"], [part.targets["several"] for part in parts]),
        (joined.observers["z"], [part.observers["z"] for part in parts]),
        (joined.id, [part.id for part in parts]),
        *([(joined.weight, [part.weight for part in parts])] if weighted else []),
    ):
        expected = np.concatenate(wanted)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
    assert joined.inputs["list"].column.offsets[0] == 0
    assert weighted == (joined.weight is not None)
    assert (joined.inputs["x"].units, joined.inputs["x"].definitions) == (("GeV", "1"), ("energy", ""))
    assert (joined.parts, joined.attributes) == ({"several": ("one", "two")}, {"study": "mine"})


def test_a_wider_type_that_comes_later_loses_nothing():
    random = np.random.default_rng(1)
    first, second = a_batch(random, 3, False), a_batch(random, 3, False)
    first.targets["y"] = first.targets["y"].astype(np.int8)
    second.targets["y"] = np.array([2**40, 1, 2])
    joined = concatenate_samples([first, second], {})
    np.testing.assert_array_equal(joined.targets["y"], np.concatenate([first.targets["y"], second.targets["y"]]))


def test_a_batch_that_was_added_is_copied():
    batch = a_batch(np.random.default_rng(2), 4, True)
    batches = Batches()
    batches.add(batch)
    before = batch.id.copy()
    batch.id[:] = 0
    batches.add(a_batch(np.random.default_rng(3), 2, True))
    np.testing.assert_array_equal(batches.joined({}).id[:4], before)
    assert (batches.count, len(batches)) == (2, 6)


def test_images_and_groups_of_two_layouts_are_refused():
    random = np.random.default_rng(4)
    batch, other = a_batch(random, 2, False), a_batch(random, 2, False)
    empty = np.zeros(0, np.int32)
    images = SparseImages(empty, empty.astype(np.float32), np.zeros(3, np.int64), (1, 4, 4))
    batch.inputs["x"] = Group(images, ("q",), ("1",))
    with pytest.raises(TypeError, match="only dense or only ragged"):
        concatenate_samples([batch], {})
    third = a_batch(random, 2, False)
    third.inputs["x"] = third.inputs["list"]
    with pytest.raises(TypeError, match="only dense or only ragged"):
        concatenate_samples([other, third], {})
