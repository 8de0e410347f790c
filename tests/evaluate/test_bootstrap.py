"""Replicas of the test split: what the Poisson bootstrap promises, that events stay whole, and that models share it."""

import numpy as np
import pytest
from scipy.stats import chisquare, norm, poisson

from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.measurement import measure, wilson
from bevatron.evaluate.statistics.ranking import Ranking

DIGEST = "0" * 64


def test_draws_are_poissons():
    drawn = Bootstrap(np.arange(20_000), 100, DIGEST).weights()
    assert (drawn[:, 0] == 1).all()
    drawn = drawn[:, 1:]
    found = np.bincount(drawn.ravel(), minlength=7)
    expected = np.append(poisson.pmf(np.arange(6), 1), poisson.sf(5, 1))
    assert chisquare(np.append(found[:6], found[6:].sum()), expected * drawn.size).pvalue > 0.001
    for axis in (0, 1):  # neither an event nor a replica is drawn more often than another
        sums = drawn.sum(axis=axis)
        assert abs(sums.std() / np.sqrt(drawn.shape[axis]) - 1) < 0.2


def test_events_and_replicas_are_drawn_independently():
    """Event numbers that differ in a bit or two, as shard << 40 | number, and neighbouring replicas."""
    shard = np.repeat(np.arange(8, dtype=np.uint64), 500)
    events = shard << np.uint64(40) | np.tile(np.arange(500, dtype=np.uint64), 8)
    drawn = Bootstrap(events, 300, DIGEST).weights()[:, 1:].astype(float)
    for matrix in (drawn[:300], drawn[::13], drawn.T):
        correlation = np.corrcoef(matrix)
        others = correlation[np.triu_indices(len(correlation), 1)]
        assert abs(others.std() * np.sqrt(matrix.shape[1]) - 1) < 0.03
        assert abs(others).max() * np.sqrt(matrix.shape[1]) < 6


def test_samples_of_an_event_are_drawn_together():
    rng = np.random.default_rng(1)
    events = rng.permutation(np.repeat(rng.integers(0, 2**63, 400, dtype=np.uint64), rng.integers(1, 6, 400)))
    bootstrap = Bootstrap(events, 30, DIGEST)
    drawn = bootstrap.weights()
    for event in np.unique(events):
        assert (drawn[events == event] == drawn[events == event][0]).all()
    assert bootstrap.n_events == 400


def test_replicas_follow_from_the_dataset_and_the_event_alone():
    one, other = (Bootstrap(np.arange(300), 10, digest).weights() for digest in (DIGEST, "1" * 64))
    assert (one == Bootstrap(np.arange(300), 10, DIGEST).weights()).all()
    assert (one != other).any()
    order = np.random.default_rng(2).permutation(300)
    assert (Bootstrap(order, 10, DIGEST).weights() == one[order]).all()
    assert (Bootstrap(np.arange(300), 7, DIGEST).weights() == one[:, :8]).all()
    for first, last in ((0, 1), (1, 2), (3, 11), (6, 7)):
        some = Bootstrap(np.arange(300), 10, DIGEST).weights(order[:50], first, last)
        assert (some == one[order[:50], first:last]).all()


def test_draws_are_the_same_on_every_machine():
    """SplitMix64 by Python's integers."""

    def mixed(x):
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & (1 << 64) - 1
        x = (x ^ x >> 27) * 0x94D049BB133111EB & (1 << 64) - 1
        return x ^ x >> 31

    from bevatron.config.loading.digest import seed_of

    events = [0, 1, 2**40 + 17, 2**64 - 1]
    drawn = Bootstrap(np.array(events, np.uint64), 9, DIGEST).weights()[:, 1:]
    for event, row in zip(events, drawn, strict=True):
        key = mixed(mixed(event) ^ seed_of("bootstrap", DIGEST))
        for replica, weight in enumerate(row.tolist()):
            number = mixed(key + 0x9E3779B97F4A7C15 * (replica // 4 + 1) & (1 << 64) - 1)
            fraction = (number >> 16 * (replica % 4) & 0xFFFF) / 65_536
            assert poisson.sf(weight, 1) - 1e-5 <= fraction <= poisson.sf(weight - 1, 1) + 1e-5


def test_spread_of_a_mean_is_sigma_over_root_n():
    values = np.random.default_rng(1).normal(3.0, 2.0, 4000)
    replicas = Bootstrap(np.arange(4000), 400, DIGEST).mean(values)
    assert abs(replicas[0] - values.mean()) < 1e-12
    assert abs(replicas[1:].std() / (2.0 / np.sqrt(4000)) - 1) < 0.12


def test_a_replica_is_the_statistic_of_the_repeated_samples():
    values = np.random.default_rng(2).exponential(1.0, 3101)
    bootstrap = Bootstrap(np.arange(3101) // 3, 5, DIGEST)
    rows = np.flatnonzero(values > 0.3)
    means, medians = bootstrap.mean(values, rows), bootstrap.median(values, rows)
    for k, counts in enumerate(bootstrap.weights().T):
        drawn = np.repeat(values[rows], counts[rows])
        assert np.isclose(means[k], drawn.mean())
        assert medians[k] == np.sort(drawn)[(len(drawn) - 1) // 2]  # the lower of two middle ones


def test_blocks_and_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    values, events = rng.normal(size=700), rng.integers(0, 300, 700)

    def found():
        b = Bootstrap(events, 30, DIGEST)
        return b.mean(values), b.over(lambda w: w @ values), b.median(values), b.weight_up_to(np.arange(700), places)

    places = rng.integers(0, 701, (31, 3))
    mean, over, median, up_to = found()
    monkeypatch.setattr("bevatron.evaluate.statistics.bootstrap._CHUNK", 1500)
    monkeypatch.setattr("bevatron.evaluate.statistics.bootstrap._BLOCK", 17)
    monkeypatch.setattr("bevatron.evaluate.statistics.draws._ROWS", 5)
    again = found()
    assert np.allclose(mean, again[0], rtol=1e-13)
    assert np.allclose(over, again[1], rtol=1e-13)
    assert (median == again[2]).all()
    assert (up_to == again[3]).all()


@pytest.mark.parametrize("block", [1024, 7])
def test_sums_in_order_are_those_of_a_cumulative_sum(block, monkeypatch):
    monkeypatch.setattr("bevatron.evaluate.statistics.bootstrap._BLOCK", block)
    rng = np.random.default_rng(4)
    bootstrap, rows = Bootstrap(np.arange(200), 25, DIGEST), rng.permutation(200)[:150]
    summed = np.cumsum(bootstrap.weights(rows).astype(float), axis=0)
    wanted = rng.uniform(0, 160, (26, 2))
    at = bootstrap.first_reaching(rows, wanted)
    places = rng.integers(0, 151, (26, 4))
    up_to = bootstrap.weight_up_to(rows, places)
    for r in range(26):
        assert (at[r] == np.searchsorted(summed[:, r], wanted[r])).all()  # 150 where it is never reached
        assert (up_to[r] == np.append(0, summed[:, r])[places[r]]).all()


def _toy(rng, n_events, fraction, correlation):
    """Events of 1 to 4 samples; with the given probability a sample's answer is its event's."""
    size = rng.integers(1, 5, n_events)
    event = np.repeat(np.arange(n_events), size)
    own, common = rng.uniform(size=len(event)) < fraction, np.repeat(rng.uniform(size=n_events) < fraction, size)
    follows = np.repeat(rng.uniform(size=n_events) < correlation, size)
    return event, np.where(follows, common, own).astype(float)


@pytest.mark.parametrize("fraction", [0.5, 0.93])
def test_errors_of_shares_cover_where_samples_of_an_event_are_alike(fraction):
    """The true fraction lies in the interval as often as it says; of as many independent samples, much less often."""
    rng, toys = np.random.default_rng(5), 600
    inside = {"binomial, by event": 0, "bootstrap, by event": 0, "binomial": 0, "bootstrap": 0}
    for toy in range(toys):
        event, right = _toy(rng, 150, fraction, 0.8)
        by_event, by_sample = Bootstrap(event, 100, str(toy)), Bootstrap(np.arange(len(right)), 100, str(toy))
        found = {
            "binomial, by event": wilson(right.mean(), by_event.effective_size(right), 0.68),
            "binomial": wilson(right.mean(), by_sample.effective_size(right), 0.68),
        }
        for name, bootstrap in (("bootstrap, by event", by_event), ("bootstrap", by_sample)):
            measured = measure([bootstrap.mean(right)], 0.68)
            found[name] = measured.low, measured.high
        for name, (low, high) in found.items():
            inside[name] += low < fraction < high
    coverage = {name: count / toys for name, count in inside.items()}
    for name in ("binomial, by event", "bootstrap, by event"):
        assert abs(coverage[name] - 0.68) < 0.06, coverage  # the binomial error of 600 toys is 0.019
    for name in ("binomial", "bootstrap"):
        assert coverage[name] < 0.57, coverage


def test_errors_of_an_auc_cover_where_samples_of_an_event_are_alike():
    """Events of one class and with a common part of the score, of two Gaussians whose AUC is known."""
    rng, toys, inside = np.random.default_rng(9), 250, {"by event": 0, "by sample": 0}
    true = norm.cdf(1.0 / np.sqrt(2))
    for toy in range(toys):
        event = np.repeat(np.arange(80), rng.integers(1, 5, 80))
        signal = (rng.uniform(size=80) < 0.5)[event]
        score = signal + 0.9 * rng.normal(size=80)[event] + np.sqrt(1 - 0.81) * rng.normal(size=len(event))
        for name, events in (("by event", event), ("by sample", np.arange(len(event)))):
            found = measure([Ranking(score, signal, ~signal).auc(Bootstrap(events, 100, str(toy)))], 0.68)
            inside[name] += found.low < true < found.high
    assert abs(inside["by event"] / toys - 0.68) < 0.09, inside  # the binomial error of 250 toys is 0.03
    assert inside["by sample"] / toys < 0.57, inside


def test_effective_size_without_correlation_is_the_number_of_samples():
    right = np.random.default_rng(6).uniform(size=5000) < 0.8
    assert Bootstrap(np.arange(5000), 2, DIGEST).effective_size(right) == 5000
    assert 4600 < Bootstrap(np.arange(5000) // 2, 2, DIGEST).effective_size(right) <= 5000


def test_effective_size_of_copies_is_the_number_of_events():
    right = np.repeat(np.random.default_rng(7).uniform(size=900) < 0.7, 3)
    events = np.repeat(np.arange(900), 3)
    assert abs(Bootstrap(events, 2, DIGEST).effective_size(right) - 900) < 2
    shuffled = np.random.default_rng(8).permutation(2700)
    assert abs(Bootstrap(events[shuffled], 2, DIGEST).effective_size(right[shuffled]) - 900) < 2
    assert np.isclose(Bootstrap(events, 2, DIGEST).effective_size(np.ones(2700)), 900)  # no variance is seen
    among = np.arange(2700) < 1350
    assert abs(Bootstrap(events, 2, DIGEST).effective_size(right, among) - 450) < 2


def test_one_event_tells_no_error():
    """All samples of one event: a value, one independent sample, and no error that could be trusted."""
    bootstrap = Bootstrap(np.zeros(40, int), 100, DIGEST)
    right = np.arange(40) % 2
    assert bootstrap.n_events == 1
    assert np.isclose(bootstrap.effective_size(right), 1)
    found = measure([bootstrap.mean(right)], 0.68)
    assert found.value == 0.5
    assert found.error is None


def test_one_sample_and_none():
    one = Bootstrap(np.array([7]), 20, DIGEST)
    assert one.mean(np.array([2.5]))[0] == one.median(np.array([2.5]))[0] == 2.5
    assert one.effective_size(np.ones(1)) == 1
    none = np.arange(0)
    assert np.isnan(one.mean(np.array([2.5]), none)).all()
    assert one.effective_size(np.ones(1), np.zeros(1)) == 0
