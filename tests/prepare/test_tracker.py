"""Layers stacked, projected and shuffled: the same hits each time."""

import numpy as np
import pytest

from bevatron.prepare.recipes.tracker import TrackerImages
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.tracker import TrackerHits


def dense(group):
    column = group.column
    images = np.zeros((len(column), int(np.prod(column.shape))), np.float32)
    images[np.repeat(np.arange(len(column)), np.diff(column.offsets)), column.index] = column.value
    return images.reshape(-1, *column.shape)


@pytest.fixture(scope="module")
def images():
    options = TrackerHits.Options(kind="tracker", events=2_000, layers=3, noise=1.0)
    raw = TrackerHits().simulate(options, 0, ShardSeed.of("1", 0))[0]
    samples = TrackerImages().prepare(TrackerImages.Options(kind="tracker"), raw, 7, np.ones(len(raw), bool))
    return {name: dense(samples.inputs[name]) for name in ("stack", "sum", "shuffled")}


def test_the_projection_is_the_sum_of_the_layers(images):
    assert np.array_equal(images["sum"], images["stack"].sum(axis=1, keepdims=True))


def test_shuffling_keeps_every_layer_and_has_every_order(images):
    pairs = (images["stack"][:, :, None] == images["shuffled"][:, None]).all(axis=(3, 4))  # (n, layer, channel)
    assert pairs.any(axis=2).all()
    assert pairs.any(axis=1).all()
    clear = pairs.sum(axis=(1, 2)) == 3  # no two layers of the event are equal
    orders, counts = np.unique(pairs[clear].argmax(axis=2), axis=0, return_counts=True)
    assert len(orders) == 6
    assert np.all(np.abs(counts - clear.sum() / 6) < 5 * np.sqrt(clear.sum() / 6))
