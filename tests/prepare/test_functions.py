"""Functions of several variables, written as formulas."""

import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.errors import UserError
from bevatron.prepare.recipes.function import FunctionSamples
from bevatron.prepare.recipes.functions import FunctionsSamples
from bevatron.store.shards.columns import Dense, Group, Samples


def raw(names=("x1", "x2"), n=5_000):
    random = np.random.default_rng(1)
    draw = np.column_stack([random.random((n, len(names))), random.normal(size=n)]).astype(np.float32)
    group = Group(Dense(draw), (*names, "z"), ("",) * (len(names) + 1))
    return Samples({"draw": group}, {"split": np.zeros(n, int)}, np.arange(n, dtype=np.uint64))


def prepared(raw_samples, **functions):
    options = FunctionsSamples.Options(kind="functions", functions=functions)
    return FunctionsSamples().prepare(options, raw_samples, 0, np.ones(len(raw_samples), bool))


def test_each_variable_is_a_group_and_each_formula_a_target():
    samples = prepared(raw(), wave="sin(4 * pi * x1)", saddle="x1**2 - x2**2")
    assert set(samples.inputs) == {"x1", "x2"}
    assert set(samples.targets) == {"wave", "saddle"}
    x1, x2 = (samples.inputs[name].column.values[:, 0].astype(np.float64) for name in ("x1", "x2"))
    np.testing.assert_allclose(samples.targets["wave"], np.sin(4 * np.pi * x1), atol=1e-6)
    np.testing.assert_allclose(samples.targets["saddle"], x1**2 - x2**2, atol=1e-6)
    assert samples.targets["wave"].dtype == np.float32


def test_a_condition_is_one_inside_of_its_region():
    disc = prepared(raw(), disc="(x1 - 0.5)**2 + (x2 - 0.5)**2 < 0.16").targets["disc"]
    assert set(np.unique(disc)) == {0.0, 1.0}
    assert disc.mean() == pytest.approx(0.16 * np.pi, abs=5 * 0.5 / np.sqrt(len(disc)))


def test_one_variable_is_called_x_and_a_constant_is_a_function():
    samples = prepared(raw(("x",)), line="2 * x", one="1")
    np.testing.assert_allclose(samples.targets["line"], 2 * samples.inputs["x"].column.values[:, 0])
    assert (samples.targets["one"] == 1.0).all()


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("x3 + 1", "x3"),
        ("z", "known: x1, x2"),  # the noise is no variable
        ("1 / (x1 - x1)", "not finite on 5,000 of 5,000 points"),
        ("1e300 + x1", "not finite on 5,000 of 5,000 points"),  # in float32
        ("x1 +", "no expression"),
        ("'text'", "not one number for each point"),
        ("stack(x1, x2)", "not one number for each point"),
    ],
)
def test_a_formula_that_gives_no_numbers_is_refused_by_name(formula, words):
    with pytest.raises(UserError, match=r"dataset\.recipe\.functions\.bad") as caught:
        prepared(raw(), bad=formula)
    assert words in str(caught.value)


def test_no_formula_is_refused():
    with pytest.raises(ValidationError):
        FunctionsSamples.Options(kind="functions", functions={})


def test_the_parabola_is_of_one_variable():
    with pytest.raises(UserError, match="several"):
        FunctionSamples().prepare(FunctionSamples.Options(kind="function"), raw(), 0, np.ones(5_000, bool))
