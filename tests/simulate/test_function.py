"""The points of y = x² are what the lectures ask for: uniform x, independent normal noise, separate draws."""

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import kstest

from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.function import Function

OPTIONS = Function.Options(kind="function", train=10_000, val=2_000, test=10_000)


def drawn(shard=0, seed=1, options=OPTIONS):
    samples, _ = Function().simulate(options, shard, ShardSeed.of(str(seed), shard))
    return samples, *samples.inputs["draw"].column.values.T


def test_x_is_uniform_and_noise_standard_normal():
    _, x, z = drawn()
    assert kstest(x, "uniform", args=(-10.0, 20.0)).pvalue > 1e-3
    assert kstest(z, "norm").pvalue > 1e-3


def test_noise_is_independent_of_x():
    _, x, z = drawn()
    for power in (1, 2):
        assert abs(np.corrcoef(x**power, z)[0, 1]) < 5 / np.sqrt(len(x))
        assert abs(np.corrcoef(x**power, z**2)[0, 1]) < 5 / np.sqrt(len(x))


def test_splits_have_the_counts_asked_for():
    samples, _, _ = drawn()
    assert np.bincount(samples.targets["split"]).tolist() == [10_000, 2_000, 10_000]


def test_no_test_point_was_trained_on():
    samples, x, _ = drawn()
    split = samples.targets["split"]
    common = np.intersect1d(x[split == 0], x[split == 2])
    assert len(common) < 20  # float32 has some 10^8 numbers in the interval: a few coincide by chance


def test_shards_share_no_id_and_no_point():
    first, x, _ = drawn(0, seed=1)
    second, other, _ = drawn(1, seed=2)
    assert not set(first.id.tolist()) & set(second.id.tolist())
    assert np.mean(x == other) < 1e-3


def test_bounds_in_the_wrong_order_are_refused():
    with pytest.raises(ValidationError, match="low must be below high"):
        Function.Options(kind="function", low=1.0, high=1.0)


def test_several_variables_are_uniform_and_independent():
    options = Function.Options(kind="function", variables=3, train=20_000, val=10, test=10, low=0, high=1)
    samples, _ = Function().simulate(options, 0, ShardSeed.of("5", 0))
    assert samples.inputs["draw"].features == ("x1", "x2", "x3", "z")
    draw = samples.inputs["draw"].column.values
    for x in draw.T[:3]:
        assert kstest(x, "uniform").pvalue > 1e-3
    correlations = np.corrcoef(draw.T)
    assert np.abs(correlations - np.eye(4)).max() < 5 / np.sqrt(len(draw))


def test_one_variable_is_no_part_of_digests():
    """As it was before there could be several."""
    assert "variables" not in Function.Options(kind="function", variables=1).model_dump()
    assert Function.Options(kind="function", variables=2).model_dump()["variables"] == 2
