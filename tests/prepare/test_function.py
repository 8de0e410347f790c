"""The noisy parabola."""

import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.prepare.recipes.function import FunctionSamples
from bevatron.store.shards.columns import Dense, Group, Samples


def raw(n=20_000):
    random = np.random.default_rng(1)
    draw = np.stack([random.uniform(-10, 10, n), random.normal(size=n)], axis=1).astype(np.float32)
    return Samples({"draw": Group(Dense(draw), ("x", "z"), ("", ""))}, {}, np.arange(n, dtype=np.uint64))


def prepared(**noise):
    return FunctionSamples().prepare(
        FunctionSamples.Options(kind="function", noise=noise), raw(), 0, np.ones(len(raw()), bool)
    )


def test_truth_is_the_square_of_the_input():
    samples = prepared(y=5.0)
    x = samples.inputs["x"].column.values
    assert x.shape == (20_000, 1)
    np.testing.assert_allclose(samples.targets["x_squared"], x[:, 0] ** 2, rtol=1e-6)


def test_noise_has_the_width_asked_for():
    samples = prepared(y=5.0, y_quiet=1.0, y_loud=20.0)
    for name, sigma in {"y": 5.0, "y_quiet": 1.0, "y_loud": 20.0}.items():
        residual = samples.targets[name] - samples.targets["x_squared"]
        assert residual.std() == pytest.approx(sigma, rel=5 / np.sqrt(2 * len(residual)))
        assert residual.mean() == pytest.approx(0.0, abs=5 * sigma / np.sqrt(len(residual)))


def test_no_noise_is_the_truth():
    samples = prepared(y=0.0)
    np.testing.assert_array_equal(samples.targets["y"], samples.targets["x_squared"])


def test_negative_noise_is_refused():
    with pytest.raises(ValidationError):
        FunctionSamples.Options(kind="function", noise={"y": -1.0})
