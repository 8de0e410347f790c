"""Lists become histograms of pairs of features: nothing is lost, and what is left without them is what it says."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import f
from sklearn.metrics import roc_auc_score

from bevatron.config.loading.load import load_study
from bevatron.errors import UserError
from bevatron.prepare.recipes.histograms import Histograms
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.copulas import Copulas
from bevatron.store.shards.columns import Dense, Group, Ragged, Samples

STUDIES = Path(__file__).parents[2] / "config" / "studies"
LENGTHS = [40, 0, 1, 25]


def lists(values=None, name="points"):
    if values is None:
        values = np.random.default_rng(3).normal(0, 1.4, (sum(LENGTHS), 3)).astype(np.float32)
    offsets = np.concatenate([[0], np.cumsum(LENGTHS)]).astype(np.int64)
    inputs = {
        name: Group(Ragged(values, offsets), ("a", "b", "c"), ("GeV", "", "mm")),
        "other": Group(Dense(np.ones((4, 2), np.float32)), ("p", "q"), ("", "")),
    }
    return Samples(inputs, {"class": np.arange(4)}, np.arange(4, dtype=np.uint64))


def prepared(raw, **options):
    options = Histograms.Options(kind="histograms", **options)
    samples = Histograms().prepare(options, raw, 0, np.ones(len(raw), bool))
    return samples, {name: group.column.values for name, group in samples.inputs.items() if name != "points"}


def test_images_are_numpy_s_histograms_of_what_lies_inside():
    raw = lists(np.random.default_rng(3).uniform(-2, 2, (sum(LENGTHS), 3)).astype(np.float32))
    samples, values = prepared(raw, bins=5, range=(-2, 2), ranges={"c": (-3, 4)})
    assert samples.inputs["correlations"].features == ("a_b", "a_c", "b_c")
    x = raw.inputs["points"].column.values[:40]
    for channel, (i, j) in enumerate(((0, 1), (0, 2), (1, 2))):
        edges = [np.linspace(-3, 4, 6) if k == 2 else np.linspace(-2, 2, 6) for k in (i, j)]
        expected = np.histogram2d(x[:, i], x[:, j], edges)[0] / 40
        np.testing.assert_allclose(values["correlations"][0, channel], expected, atol=1e-7)


def test_every_element_is_counted_once_wherever_it_is():
    _, values = prepared(lists(), bins=4, range=(-1, 1))
    sums = values["correlations"].sum((2, 3))
    np.testing.assert_allclose(sums, np.array([1, 0, 1, 1])[:, None] * np.ones(3), atol=1e-6)


def test_what_lies_beyond_the_range_counts_at_the_border():
    raw = lists(np.full((sum(LENGTHS), 3), (9.0, -9.0, 0.1), np.float32))
    _, values = prepared(raw, bins=4)
    assert values["correlations"][2, 0].tolist() == [[0] * 4] * 3 + [[1, 0, 0, 0]]


def test_marginals_are_the_images_sums():
    _, values = prepared(lists(), bins=6)
    marginals = values["marginals"].reshape(4, 3, 6)
    np.testing.assert_allclose(values["correlations"][:, 0].sum(2), marginals[:, 0], atol=1e-6)
    np.testing.assert_allclose(values["correlations"][:, 2].sum(1), marginals[:, 2], atol=1e-6)


def test_coefficients_are_pearson_s():
    raw = lists()
    _, values = prepared(raw)
    expected = np.corrcoef(raw.inputs["points"].column.values[41:66].T)
    np.testing.assert_allclose(values["coefficients"][3], expected[[0, 0, 1], [1, 2, 2]], atol=1e-6)
    assert values["coefficients"][1:3].tolist() == [[0] * 3] * 2  # no element and a single one do not vary


def test_other_groups_and_targets_stay_and_the_lists_do_not():
    raw = lists()
    samples, _ = prepared(raw, features=["c", "a"])
    assert set(samples.inputs) == {"other", "correlations", "marginals", "coefficients"}
    assert samples.inputs["correlations"].features == ("c_a",)
    assert samples.targets is raw.targets


def test_what_cannot_be_paired_is_told():
    nan = lists()
    nan.inputs["points"].column.values[3, 1] = np.nan
    for raw, options, message in (
        (lists(name="tracks"), {}, "no group of this name.*choose from tracks"),
        (lists(), {"group": "other"}, "no lists"),
        (lists(), {"features": ["a", "d"]}, "no feature 'd'.*choose from a, b, c"),
        (lists(), {"ranges": {"z": (0, 1)}}, "no feature 'z'"),
        (nan, {}, "not finite"),
    ):
        with pytest.raises(UserError, match=message):
            prepared(raw, **options)
    prepared(nan, features=["a", "c"])


@pytest.mark.parametrize("options", [{"range": (1, 1)}, {"ranges": {"a": (2, 1)}}, {"features": ["a"]}, {"bins": 1}])
def test_options_that_make_no_histogram_are_refused(options):
    with pytest.raises(ValidationError):
        Histograms.Options(kind="histograms", **options)


def test_what_coefficients_show_of_crossed_features_is_the_closed_form_of_the_claim():
    """Without a linear correlation they scatter more: variances 1/n and (1 + 2ρ²)/n, so an AUC of F(1 + 2ρ²)."""
    study = load_study("correlations", "paper", STUDIES)
    options = study.simulation.source
    expected = f.cdf(1 + 2 * options.crossed**2, 3, 3)
    claim = next(claim for claim in study.claims if claim.id == "coefficients_see_their_own_spread")
    assert claim.test.reference == pytest.approx(expected, abs=5e-5)
    raw = Copulas().simulate(options.model_copy(update={"events": 12_000}), 0, ShardSeed.of("5", 0))[0]
    _, values = prepared(raw)
    label = raw.targets["class"]
    squares = (values["coefficients"] ** 2).sum(axis=1)
    found = roc_auc_score(label[label != 1] == 2, squares[label != 1])
    assert found == pytest.approx(expected, abs=4 * np.sqrt(1 / 12 / 4_000 * 2))
