"""Replicas of the test split: what Efron's bootstrap promises, and that all models share them."""

import numpy as np

from bevatron.evaluate.bootstrap import Bootstrap

DIGEST = "0" * 64


def test_every_replica_draws_as_many_samples_as_there_are():
    counts = Bootstrap(500, 40, DIGEST).counts
    assert counts.shape == (41, 500)
    assert (counts[0] == 1).all()
    assert (counts.sum(axis=1) == 500).all()


def test_replicas_follow_from_the_dataset_alone():
    assert (Bootstrap(300, 10, DIGEST).counts == Bootstrap(300, 10, DIGEST).counts).all()
    assert (Bootstrap(300, 10, DIGEST).counts != Bootstrap(300, 10, "1" * 64).counts).any()


def test_spread_of_a_mean_is_sigma_over_root_n():
    values = np.random.default_rng(1).normal(3.0, 2.0, 4000)
    replicas = Bootstrap(4000, 400, DIGEST).mean(values)
    assert replicas[0] == np.float64(values.mean()) or abs(replicas[0] - values.mean()) < 1e-12
    assert abs(replicas[1:].std() / (2.0 / np.sqrt(4000)) - 1) < 0.12


def test_a_replica_is_the_statistic_of_the_repeated_samples():
    values = np.random.default_rng(2).exponential(1.0, 101)
    bootstrap = Bootstrap(101, 5, DIGEST)
    rows = np.flatnonzero(values > 0.3)
    means, medians = bootstrap.mean(values, rows), bootstrap.median(values, rows)
    for k, counts in enumerate(bootstrap.counts):
        drawn = np.repeat(values[rows], counts[rows])
        assert np.isclose(means[k], drawn.mean())
        assert medians[k] == np.sort(drawn)[(len(drawn) - 1) // 2]  # the lower of two middle ones


def test_chunks_change_nothing(monkeypatch):
    values = np.random.default_rng(3).normal(size=200)
    whole = Bootstrap(200, 30, DIGEST).mean(values)
    monkeypatch.setattr("bevatron.evaluate.bootstrap._CHUNK", 700)
    assert np.allclose(whole, Bootstrap(200, 30, DIGEST).mean(values), rtol=1e-13)
