"""Statistics of features: exact sums, and quantiles of an even part that does not grow with the dataset."""

import tracemalloc

import numpy as np
import pytest

from bevatron.store.shards import statistics
from bevatron.store.shards.columns import Dense, Group, Ragged, SparseImages
from bevatron.store.shards.moments import Moments, moments_of
from bevatron.store.shards.quantiles import Thinned, hashes_of
from bevatron.store.shards.statistics import QUANTILE_NUMBERS, GroupStatistics, quantile_limit, tables_of

LEVELS = [0.16, 0.5, 0.84]


def ids_from(first, n):
    return np.arange(first, first + n, dtype=np.uint64)


def features(n):
    return tuple(f"f{i}" for i in range(n))


def dense(values):
    return Group(Dense(values), features(values.shape[1]), ("1",) * values.shape[1])


def ragged(values, lengths):
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Group(Ragged(values, offsets), features(values.shape[1]), ("1",) * values.shape[1])


def at_once(columns):
    """Count, mean, m2, minimum and maximum of whole columns, by numpy's own sums, as one shard's were before."""
    wide = [column.astype(np.float64) for column in columns]
    return [(len(v), v.mean(), np.square(v - v.mean()).sum(), v.min(), v.max()) for v in wide]


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 28), (257, 1, 3), (40_011, 1, 28), (5, 1, 900), (700, 1, 3000)])
@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int32])
def test_moments_have_the_bits_of_sums_over_whole_columns(shape, kind):
    values = (np.random.default_rng(shape[0]).normal(3, 50, shape)).astype(kind)
    found = moments_of(values)
    expected = at_once(values[:, 0, i] for i in range(shape[2]))
    assert list(zip([found.count] * shape[2], found.mean, found.m2, found.low, found.high, strict=True)) == expected


def test_moments_of_images_have_them_too():
    images = np.random.default_rng(1).gamma(2.0, 3.0, (301, 3, 40, 41)).astype(np.float32)
    ((values, _),) = tables_of(Dense(images), hashes_of(ids_from(0, 301)))
    found = moments_of(values)
    expected = at_once(images[:, i].reshape(-1) for i in range(3))
    assert list(zip([found.count] * 3, found.mean, found.m2, found.low, found.high, strict=True)) == expected


def test_merged_moments_survive_a_large_mean():
    """Sums of squares would lose everything: a spread of 1 about 1e8 in float64."""
    values = 1e8 + np.random.default_rng(1).normal(size=(30_000, 1, 1))
    merged: Moments = moments_of(values[:0])
    for part in np.split(values, [0, 1, 7, 20_000]):
        merged = merged.merge(moments_of(part))
    assert np.sqrt(merged.m2[0] / merged.count) == pytest.approx(values.std(), rel=1e-9)
    assert merged.mean[0] == pytest.approx(values.mean(), rel=1e-14)
    assert (merged.low[0], merged.high[0]) == (values.min(), values.max())


@pytest.mark.parametrize("layout", ["dense", "images", "ragged", "sparse"])
def test_few_numbers_give_exact_quantiles_of_the_first_ten_thousand_samples(layout):
    """Those of all these samples together, whatever the layout; of an 11,000th nothing."""
    random, n, first = np.random.default_rng(2), 11_000, 10_000
    if layout == "dense":
        values = random.normal(size=(n, 3)).astype(np.float32)
        group, columns = dense(values), [values[:first, i] for i in range(3)]
    elif layout == "images":
        values = random.normal(size=(n, 2, 3, 4)).astype(np.float32)
        group, columns = dense(values), [values[:first, i].reshape(-1) for i in range(2)]
    elif layout == "ragged":
        lengths = random.poisson(2, n)
        values = random.normal(size=(lengths.sum(), 2)).astype(np.float32)
        group, columns = ragged(values, lengths), [values[: lengths[:first].sum(), i] for i in range(2)]
    else:
        lengths = np.full(n, 2)
        index = np.stack([random.integers(0, 12, n), random.integers(12, 24, n)], axis=1).astype(np.int32).reshape(-1)
        value = random.normal(size=2 * n).astype(np.float32)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        group = Group(SparseImages(index, value, offsets, (2, 3, 4)), features(2), ("1", "1"))
        columns = [value[: 2 * first][i::2] for i in range(2)]
    found = GroupStatistics(10**6)
    found.add(group, ids_from(0, n))
    for name, column in zip(group.features, columns, strict=True):
        result = found.result()[name]
        assert [result.q16, result.median, result.q84] == np.quantile(column.astype(np.float64), LEVELS).tolist()


def place_of(values, found):
    """The fraction of all numbers below each found quantile."""
    return np.searchsorted(np.sort(values), found) / len(values)


@pytest.mark.parametrize("toy", ["normal", "cauchy", "ragged", "images"])
def test_thinned_quantiles_lie_within_their_error(toy):
    """At least about half of the limit is kept, so that 5 standard deviations are 5 * 0.5 / sqrt(limit / 2)."""
    random, limit, shards = np.random.default_rng(3), 4_000, 50
    group_statistics, everything = GroupStatistics(limit), []
    for shard in range(shards):
        if toy == "normal":
            group = dense(random.normal(size=(1000, 1)).astype(np.float32))
        elif toy == "cauchy":
            group = dense(random.standard_cauchy(size=(1000, 1)).astype(np.float32))
        elif toy == "ragged":  # each sample's elements are ordered, the hardest one first
            lengths = random.poisson(5, 400)
            values = np.concatenate([np.sort(random.exponential(size=k))[::-1] for k in lengths])
            group = ragged(values[:, None].astype(np.float32), lengths)
        else:
            group = Group(Dense(random.gamma(1.0, size=(20, 1, 10, 10)).astype(np.float32)), ("f0",), ("1",))
        group_statistics.add(group, ids_from(shard << 40, len(group)))
        column = group.column.values.reshape(-1)
        everything.append(column)
    (thinned,) = group_statistics._subsets
    assert limit / 2.5 < thinned.count <= limit
    result = group_statistics.result()["f0"]
    places = place_of(np.concatenate(everything), [result.q16, result.median, result.q84])
    assert np.abs(places - LEVELS).max() < 5 * 0.5 / np.sqrt(limit / 2)


def test_all_places_of_a_sample_are_kept_alike():
    """A part that favoured the first elements of ragged samples would shift every quantile of ordered lists."""
    n, length = 4_000, 8
    kept = Thinned(2_500)
    place = np.tile(np.arange(length, dtype=np.float32), n)
    group = ragged(place[:, None], np.full(n, length))
    ((values, keys),) = tables_of(group.column, hashes_of(ids_from(77, n)))
    kept.add(values, keys)
    counts = np.bincount(kept.feature(0).astype(int), minlength=length)
    expected = kept.count / length
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)


def test_the_part_depends_neither_on_the_order_nor_on_the_shards():
    random = np.random.default_rng(4)
    lengths = random.poisson(3, 6000)
    whole = ragged(random.normal(size=(lengths.sum(), 2)).astype(np.float32), lengths)
    ids = random.permutation(2**20)[:6000].astype(np.uint64)
    results = []
    for parts in (1, 7, 600):
        cut = np.array_split(np.arange(6000), parts)
        for order in (cut, cut[::-1], [cut[i] for i in random.permutation(parts)]):
            added = GroupStatistics(3_000)
            for rows in order:
                added.add(whole.take(rows), ids[rows])
            results.append([(f.q16, f.median, f.q84) for f in added.result().values()])
    assert all(found == results[0] for found in results)
    assert results[0] != [tuple(np.quantile(column.astype(np.float64), LEVELS)) for column in whole.column.values.T]


def test_what_is_kept_does_not_grow_with_the_dataset():
    random, limit = np.random.default_rng(5), 20_000
    lengths = random.poisson(5, 1000)
    group = ragged(random.normal(size=(lengths.sum(), 4)).astype(np.float32), lengths)
    added, peaks = GroupStatistics(limit), []
    for shard in range(1, 301):
        added.add(group, ids_from(shard << 40, 1000))
        if shard in (30, 300):
            (thinned,) = added._subsets
            assert thinned.count <= limit
            peaks.append(sum(values.nbytes + keys.nbytes for keys, values in thinned._pieces))
    assert max(peaks) <= limit * (4 * 4 + 4)


def test_a_shard_larger_than_the_limit_is_thinned_as_it_is_read():
    """Its numbers are not copied as a whole: 12 million of them, of which a thousand are kept."""
    images = np.random.default_rng(6).random((300, 1, 200, 200), np.float32)
    group = Group(Dense(images), ("grey",), ("1",))
    tracemalloc.start()
    added = GroupStatistics(1_000)
    added.add(group, ids_from(0, 300))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < images.nbytes / 2  # float64 copies of all were five times as large
    assert added.result()["grey"].median == pytest.approx(0.5, abs=0.1)


def test_the_limit_is_shared_by_all_features_and_never_small(samples):
    groups = samples(5).inputs
    n = sum(len(group.features) for group in groups.values())
    assert quantile_limit(groups) == QUANTILE_NUMBERS // n
    many = Group(Dense(np.zeros((1, 10**5), np.float32)), features(10**5), ("1",) * 10**5)
    assert quantile_limit({"many": many}) == statistics.LEAST_NUMBERS


def test_no_number_at_all_gives_zeros():
    added = GroupStatistics(1000)
    added.add(ragged(np.zeros((0, 1), np.float32), np.zeros(3, int)), ids_from(0, 3))
    assert set(added.result()["f0"].model_dump().values()) == {0}


def test_hashes_are_even():
    """Ids in steps of powers of two, as generators give them: each of 64 bins of the low bits is filled alike."""
    for step in (1, 256, 1 << 40):
        counts = np.bincount(hashes_of(np.arange(64_000, dtype=np.uint64) * np.uint64(step)) % 64, minlength=64)
        assert np.abs(counts - 1000).max() < 6 * np.sqrt(1000)
