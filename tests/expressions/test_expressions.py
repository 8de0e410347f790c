"""Expressions over columns: values against Python's own, row by row; errors that name the place; nothing is run."""

import math
import random

import awkward as ak
import numpy as np
import pytest

from bevatron.errors import UserError
from bevatron.expressions import parse
from bevatron.expressions.functions import FUNCTIONS

N = 50


@pytest.fixture(scope="module")
def columns() -> dict:
    draw = np.random.default_rng(1)
    lengths = draw.integers(0, 5, N)
    return {
        "x": draw.normal(size=N),
        "y": draw.uniform(0.1, 3.0, size=N),
        "k": draw.integers(-3, 4, N),
        "b": draw.random(N) < 0.5,
        "jet.pt": draw.uniform(20, 500, N),
        "label_H->bb": draw.integers(0, 2, N),
        "tracks": ak.unflatten(draw.normal(size=lengths.sum()), lengths),
        "weights": ak.unflatten(draw.uniform(size=lengths.sum()), lengths),
        "process": np.array(["ttbar", "Zjets"], object)[draw.integers(0, 2, N)],
    }


def values(text: str, columns: dict):
    return parse(text, "study", list(columns)).evaluate(columns)


def random_text(draw: random.Random, depth: int) -> str:
    """A formula of single values that means the same in Python, with brackets so that every operator appears."""
    if depth == 0:
        return draw.choice(["x", "y", "k", "0.5", "2", "3.25", "-1"])
    one, two = random_text(draw, depth - 1), random_text(draw, depth - 1)
    forms = ["{} + {}", "{} - {}", "{} * {}", "({}) / (abs({}) + 1)", "({}) % (abs({}) + 2)", "({}) // (abs({}) + 1)"]
    forms += ["sqrt(abs({})) + {}", "where({} > {}, x, y)", "hypot({}, {})", "atan2({}, {})", "-({}) + ({})"]
    forms += ["minimum({}, {}, x)", "maximum({}, {})", "clip({}, -1, 1) + {}", "log1p(abs({})) * ({})"]
    forms += ["where(({} < {}) and not b, k, 1)", "where(-1 < {} <= 2 or ({}) == k, 0.25, y)", "sin({}) + cos({})"]
    return "(" + draw.choice(forms).format(one, two) + ")"


PYTHON = {
    "sqrt": math.sqrt, "log1p": math.log1p, "hypot": math.hypot, "atan2": math.atan2, "minimum": min, "maximum": max,
    "sin": math.sin, "cos": math.cos, "abs": abs, "where": lambda condition, yes, no: yes if condition else no,
    "clip": lambda value, low, high: min(max(value, low), high),
}  # fmt: skip


@pytest.mark.parametrize("seed", range(200))
def test_values_are_those_of_python_row_by_row(columns, seed):
    text = random_text(random.Random(seed), 1 + seed % 4)
    found = np.broadcast_to(values(text, columns), N)
    rows = [{name: columns[name][row].item() for name in ("x", "y", "k", "b")} for row in range(N)]
    expected = [eval(text, {"__builtins__": {}}, {**PYTHON, **row}) for row in rows]
    np.testing.assert_allclose(found.astype(float), np.array(expected, float), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "of_row"),
    [
        ("count(tracks)", lambda t, w, x: len(t)),
        ("sum(tracks * weights) + x", lambda t, w, x: sum(a * b for a, b in zip(t, w, strict=True)) + x),
        ("max(abs(tracks))", lambda t, w, x: max(map(abs, t)) if t else math.nan),
        ("min(tracks)", lambda t, w, x: min(t) if t else math.nan),
        ("mean(tracks)", lambda t, w, x: sum(t) / len(t) if t else math.nan),
        ("any(tracks > x)", lambda t, w, x: any(a > x for a in t)),
        ("all(tracks > x)", lambda t, w, x: all(a > x for a in t)),
        ("sum(where(tracks > 0, tracks, 0))", lambda t, w, x: sum(a for a in t if a > 0)),
        ("first(tracks[argsort(weights)])", lambda t, w, x: t[w.index(min(w))] if t else math.nan),
        ("first(tracks[argsort(weights, True)])", lambda t, w, x: t[w.index(max(w))] if t else math.nan),
        ("sum(tracks[:2])", lambda t, w, x: sum(t[:2])),
        ("sum(tracks[-2:])", lambda t, w, x: sum(t[-2:])),
        ("tracks[0]", lambda t, w, x: t[0] if t else math.nan),
        ("tracks[-2]", lambda t, w, x: t[-2] if len(t) > 1 else math.nan),
        ("tracks[3]", lambda t, w, x: t[3] if len(t) > 3 else math.nan),
        ("count(tracks[tracks > x])", lambda t, w, x: len([a for a in t if a > x])),
    ],
)
def test_lists_are_reduced_sample_by_sample(columns, text, of_row):
    rows = zip(columns["tracks"].to_list(), columns["weights"].to_list(), columns["x"], strict=True)
    expected = [of_row(*row) for row in rows]
    np.testing.assert_allclose(np.asarray(values(text, columns), float), np.array(expected, float), rtol=1e-12)


def test_a_function_of_single_values_works_on_each_element(columns):
    found = values("delta_phi(tracks, x)", columns)
    expected = [
        [math.remainder(a - x, 2 * math.pi) for a in row]
        for row, x in zip(columns["tracks"].to_list(), columns["x"], strict=True)
    ]
    assert ak.all(abs(found - ak.Array(expected)) < 1e-12)


def test_names_may_have_dots_or_stand_in_backticks(columns):
    expression = parse("jet.pt > 50 and `label_H->bb` == 1", "study", list(columns))
    assert expression.names == ("jet.pt", "label_H->bb")
    expected = (columns["jet.pt"] > 50) & (columns["label_H->bb"] == 1)
    np.testing.assert_array_equal(expression.evaluate(columns), expected)


def test_texts_are_compared(columns):
    np.testing.assert_array_equal(values("process == 'ttbar'", columns), columns["process"] == "ttbar")
    np.testing.assert_array_equal(values("process != 'ttbar'", columns), columns["process"] != "ttbar")
    with pytest.raises(UserError, match="== and != alone"):
        values("process < 'ttbar'", columns)


def test_truth_values_count_as_numbers(columns):
    np.testing.assert_array_equal(values("b + 2 * (k > 0)", columns), columns["b"] + 2 * (columns["k"] > 0))


def test_a_column_may_have_the_name_of_a_constant():
    assert parse("pi", "study").names == ()
    assert parse("pi", "study", ["pi"]).evaluate({"pi": np.arange(2)}).tolist() == [0, 1]


def test_lines_may_be_broken_anywhere(columns):
    np.testing.assert_array_equal(values("x +\n  y\n  > 0", columns), columns["x"] + columns["y"] > 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is an empty expression"),
        ("x +", "'x \\+' is no expression, at character [34]"),
        ("x ++* y", "is no expression, at character 5"),
        ("xx > 1", "in 'xx > 1', character 1: unknown name 'xx'; did you mean 'x'"),
        ("y > 1 and jet.pT > 20", "character 11: unknown name 'jet.pT'; did you mean 'jet.pt'"),
        ("é > 1", "character 1: unknown name 'é'"),
        ("'é' == process and xx > 0", "character 20: unknown name 'xx'"),
        ("sqroot(x)", "unknown function 'sqroot'; did you mean 'sqrt'"),
        ("sqrt(x, y)", "sqrt\\(x\\) takes 1 argument, found 2"),
        ("where(x > 0, y)", "takes 3 arguments, found 2"),
        ("sqrt(x=1)", "arguments of sqrt\\(\\) are given by place"),
        ("x if y else k", "'if' \\(write where"),
        ("x in (1, 2)", "write is_in"),
        ("lambda: 1", "a function definition is not allowed"),
        ("[x for x in y]", "is not allowed"),
        ("x @ y", "this operator is not allowed"),
        ("x << 3", "this operator is not allowed"),
        ("f'{x}'", "an f-string is not allowed"),
        ("(x := 3)", "an assignment is not allowed"),
        ("1j * x", "neither a number nor a text"),
        ("None", "neither a number nor a text"),
        ("9999999999999999999 * x", "more than 64 bits"),
        ("tracks[::2]", "a part of a list is"),
        ("tracks[1, 2]", "one place"),
        ("x[0]", "this column has one value a sample"),
        ("sum(x)", "this column has one value a sample"),
        ("x + 'a'", "character 1: "),
        ("(" * 300 + "x" + ")" * 300, "no expression"),
        ("-" * 500 + "x", "operations within one another|no expression"),
        ("x + " * 4000 + "x", "characters; at most"),
        ("x.__class__", "unknown name 'x.__class__'"),
        ("sqrt.__globals__", "unknown name"),
        ("().__class__", "is not allowed"),
        ("'a'.format(x)", "only a function can be called"),
        ("__import__('os')", "unknown function '__import__'"),
        ("x\x00", "no expression"),
    ],
)
def test_what_is_no_expression_is_told_with_its_place(columns, text, message):
    with pytest.raises(UserError, match=message) as error:
        values(text, columns)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("study: ")


def test_huge_powers_and_products_cost_nothing(columns):
    assert values("10 ** 10 ** 10", columns) == np.inf
    with pytest.raises(UserError):
        values("'a' * 1000000000", columns)


def test_lists_that_do_not_go_together_are_refused():
    lists = {"a": ak.Array([[1, 2], [3]]), "b": ak.Array([[1], [2, 3]])}
    with pytest.raises(UserError, match="in 'a \\+ b', character 1: "):
        parse("a + b", "study").evaluate(lists)


def test_every_function_is_described():
    for name, function in FUNCTIONS.items():
        assert function.signature.startswith(f"{name}(")
        assert function.gives
        assert 1 <= function.least <= function.most


def test_columns_that_differ_by_a_number_are_one():
    columns = {f"E_{k}": np.arange(3.0) + 10 * k for k in range(8, 12)} | {"w0_x": np.ones(3), "w1_x": np.zeros(3)}
    parsed = parse("`E_{8..11}` * 2", "x")
    assert parsed.names == ("E_8", "E_9", "E_10", "E_11")
    np.testing.assert_array_equal(parsed.evaluate(columns), 2 * np.column_stack([columns[n] for n in parsed.names]))
    assert parse("`w{0..1}_x`", "x").names == ("w0_x", "w1_x")
    assert parse("`p{08..10}`", "x").names == ("p08", "p09", "p10")
    np.testing.assert_array_equal(parse("stack(E_8, 1)", "x").evaluate(columns), [[80, 1], [81, 1], [82, 1]])


@pytest.mark.parametrize("text", ["`E_{3..1}`", "`E_{0..10000}`", "stack()"])
def test_ranges_of_no_or_too_many_columns_are_refused(text):
    with pytest.raises(UserError):
        parse(text, "x")


def test_a_list_is_no_part_of_a_stack():
    with pytest.raises(UserError, match="takes columns with one value a sample"):
        parse("stack(x, x)", "here").evaluate({"x": ak.Array([[1.0], [2.0, 3.0]])})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("X.0 > 2.5", ("X.0",)),
        ("max(X.0)+1.5", ("X.0",)),
        ("jets.X.2 == 'a.0'", ("jets.X.2",)),
        ("`label_H->bb`.1", ("label_H->bb.1",)),
        ("`X.0`.1 + 3.0", ("X.0.1",)),
    ],
)
def test_parts_of_arrays_are_names(text, names):
    assert parse(text, "key").names == names


@pytest.mark.parametrize("text", ["x.5e3", "X.0X", "a.1.b", "3.0.1"])
def test_what_only_looks_like_a_part_is_refused(text):
    with pytest.raises(UserError, match="is no expression, at character"):
        parse(text, "key")


@pytest.mark.parametrize("places", [3, 5])  # as many as samples, and more
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum(padded)", lambda a, x: [sum(row) for row in a]),
        ("max(padded) / x", lambda a, x: [max(row) / y for row, y in zip(a, x, strict=True)]),
        ("count(padded)", lambda a, x: [len(row) for row in a]),
        ("first(padded) - x", lambda a, x: [row[0] - y for row, y in zip(a, x, strict=True)]),
        ("sum(padded * x > 1)", lambda a, x: [sum(v * y > 1 for v in row) for row, y in zip(a, x, strict=True)]),
        ("sum(hypot(padded, x))", lambda a, x: [sum(math.hypot(v, y) for v in r) for r, y in zip(a, x, strict=True)]),
        ("any(padded > x)", lambda a, x: [any(v > y for v in row) for row, y in zip(a, x, strict=True)]),
        ("sum(where(padded > x, padded, x))", lambda a, x: [sum(max(v, y) for v in r) for r, y in zip(a, x, strict=1)]),
        ("min(x - padded)", lambda a, x: [min(y - v for v in row) for row, y in zip(a, x, strict=True)]),
    ],
)  # fmt: skip
def test_a_fixed_number_of_values_goes_with_one_of_the_sample(text, expected, places):
    draw = np.random.default_rng(places)
    padded, x = draw.normal(size=(3, places)), np.array([0.5, -2.0, 3.0])
    found = parse(text, "here").evaluate({"padded": padded, "x": x})
    np.testing.assert_allclose(np.asarray(found, float), np.array(expected(padded.tolist(), x.tolist()), float))
