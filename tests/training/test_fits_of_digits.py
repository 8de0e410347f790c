"""Fits of real digits, attacked, augmented, generated and reconstructed, go on with the same bits."""

import numpy as np
import pytest
import torch
from digit_jobs import job_of
from interruption import check_same_bits_after_an_interruption, weights

from bevatron.simulate.sources.digits import Digits
from bevatron.store.shards.manifest import load_manifest
from bevatron.training.fit import fit


@pytest.mark.parametrize("kind", ["fgsm", "pgd", "augmented", "gan", "autoencoder"])
def test_an_interrupted_fit_ends_with_the_same_bits(kind, tmp_path):
    check_same_bits_after_an_interruption(job_of(kind, tmp_path))


def test_a_gan_is_remembered_at_moments_evenly_spread(tmp_path):
    from safetensors.torch import load

    job = job_of("gan", tmp_path)
    fit(job)
    found = load(weights(job))
    assert found["architecture.past_epoch"].tolist() == [1, 3, 4]  # of four: the first, the middle, the last
    last = [found[f"architecture.generator.{name}"].flatten() for name in ("0.weight", "0.bias", "2.weight", "2.bias")]
    assert torch.equal(found["architecture.past_weights"][-1], torch.cat(last))
    assert (found["architecture.past_objective"] < 0).all()  # a mean of logarithms of probabilities


def test_principal_components_are_those_of_scikit_learn(tmp_path):
    from sklearn.decomposition import PCA

    job = job_of("components", tmp_path)
    result = fit(job)
    images = Digits().simulate(Digits.Options(kind="digits"), 0, 1)[0].inputs["image"].column.values
    rows = images[:480].reshape(480, -1).astype(np.float64)
    reference = PCA(5, svd_solver="full").fit(rows[:320])
    missed = reference.inverse_transform(reference.transform(rows[320:])) - rows[320:]
    assert result.last_val_loss == pytest.approx((missed**2).mean(), rel=1e-4)
    assert load_manifest(job.manifest_path).n_samples("val") == 160


def test_wiener_s_filter_leaves_images_without_noise_alone(tmp_path):
    assert fit(job_of("wiener", tmp_path)).last_val_loss < 1e-10
