"""Noise is normal, independent between pixels and groups, and follows from the seed; the images are the source's."""

import numpy as np
import pytest
from scipy.stats import kstest

from bevatron.errors import UserError
from bevatron.prepare.recipes.noisy_images import NoisyImagesRecipe
from bevatron.store.shards.columns import Dense, Group, Samples

VALUES = np.random.default_rng(2).random((40, 2, 6, 5)).astype(np.float32)
RAW = Samples(
    {"clean": Group(Dense(VALUES), ("a", "b"), ("", ""))},
    {"label": np.arange(40) % 3, "split": np.arange(40) % 3},
    np.arange(40, dtype=np.uint64),
)


def prepare(seed=1, **images):
    options = NoisyImagesRecipe.Options(kind="noisy_images", images=images)
    return NoisyImagesRecipe().prepare(options, RAW, seed, np.ones(40, bool))


def values(samples, name):
    return samples.inputs[name].column.values


def test_noise_is_normal_and_independent():
    samples = prepare(one={"of": "clean", "noise": 0.5}, two={"of": "clean", "noise": 0.5})
    one, two = ((values(samples, name) - VALUES) / 0.5 for name in ("one", "two"))
    assert kstest(one.ravel(), "norm").pvalue > 1e-3
    n = one.size
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 5 / np.sqrt(n)
    assert abs(np.corrcoef(one[..., :-1].ravel(), one[..., 1:].ravel())[0, 1]) < 5 / np.sqrt(n)
    assert samples.inputs["one"].features == ("a", "b")
    assert samples.targets.keys() == {"label"}


def test_a_group_s_noise_depends_on_the_seed_and_not_on_other_groups():
    loud = {"of": "clean", "noise": 0.5}
    alone = values(prepare(loud=loud), "loud")
    np.testing.assert_array_equal(alone, values(prepare(quiet={"of": "clean"}, loud=loud), "loud"))
    assert not np.array_equal(alone, values(prepare(seed=2, loud=loud), "loud"))


def test_enlarged_images_repeat_their_pixels_before_the_noise():
    samples = prepare(large={"of": "clean", "enlarged": 3}, loud={"of": "clean", "enlarged": 3, "noise": 1.0})
    np.testing.assert_array_equal(values(samples, "large"), np.kron(VALUES, np.ones((1, 1, 3, 3), np.float32)))
    noise = values(samples, "loud") - values(samples, "large")
    assert abs(np.corrcoef(noise[..., ::3].ravel(), noise[..., 1::3].ravel())[0, 1]) < 5 / np.sqrt(noise.size / 3)


def test_an_unknown_group_is_named():
    with pytest.raises(UserError, match=r"dataset.recipe.images.x.of: the source has no input group 'claen'.*clean"):
        prepare(x={"of": "claen"})
