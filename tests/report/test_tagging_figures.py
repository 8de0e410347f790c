"""Figures that taggers use, read back from their axes."""

import csv
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bevatron.report.plots.drawn_numbers import drawn_numbers
from bevatron.report.plots.importance import MOST, plot_importance
from bevatron.report.plots.roc import backgrounds_shown, plot_roc
from bevatron.report.plots.style import page_style
from bevatron.report.plots.tagging import plot_discriminants, plot_profile

GRID = np.round(np.linspace(0.2, 1.0, 81), 4)


@pytest.fixture(autouse=True)
def closed():
    with page_style():
        yield
    plt.close("all")


def roc(kept, low=None, high=None, n=1000):
    kept = np.asarray(kept, float)
    low, high = (kept * f if end is None else end for f, end in ((0.9, low), (1.1, high)))
    curve = {"efficiency": GRID.tolist(), "samples": {"light": n, "beauty": n}}
    bands = {"low": {"light": low.tolist()}, "high": {"light": high.tolist()}}
    return curve | bands | {"backgrounds": {"light": [kept.tolist()]}}


def panels_of(figure):
    return [axes for axes in figure.axes if axes.axison]


def rows_of(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_rejections_stand_above_their_ratio_to_the_reference():
    curves = {"poor": roc(GRID**2), "good": roc(GRID**4 / 2)}
    figure = plot_roc("beauty", ["light"], curves, {}, [0.7], reference="good")
    main, ratio = panels_of(figure)
    assert (main.get_ylabel(), ratio.get_ylabel(), ratio.get_xlabel()) == (
        "light rejection",
        "ratio",
        "beauty efficiency",
    )
    drawn = {line.get_label(): line.get_ydata() for line in main.lines}
    np.testing.assert_allclose(drawn["good"], np.where(GRID**4 / 2 * 1000 >= 5, 2 / GRID**4, np.nan))
    poor, good = (line.get_ydata() for line in ratio.lines[:2])
    shown = np.isfinite(drawn["good"])
    np.testing.assert_allclose(poor[shown], (GRID**2 / 2)[shown])
    np.testing.assert_allclose(good[shown], 1.0)
    assert np.isnan(poor[~shown]).all(), "without a reference there is no ratio"
    assert main.get_xlim() == ratio.get_xlim()
    figure.canvas.draw()
    assert main.get_position().y0 > ratio.get_position().y1
    assert main.get_position().x0 == pytest.approx(ratio.get_position().x0)


def test_a_single_model_has_no_ratio_and_bands_are_those_of_the_evaluation():
    curve = roc(GRID**2, low=GRID**2 / 2, high=GRID**2 * 2)
    figure = plot_roc("beauty", ["light"], {"net": curve}, {}, [0.7])
    (axes,) = panels_of(figure)
    band = [row for row in rows_of(drawn_numbers(figure)) if row["kind"] == "band"]
    assert {row["series"] for row in band} == {"net"}
    low, high = (np.array([float(row[end]) for row in band]) for end in ("low", "high"))
    np.testing.assert_allclose(low, 1 / (2 * GRID**2), rtol=1e-6)
    np.testing.assert_allclose(high, 2 / GRID**2, rtol=1e-6)
    assert axes.get_yscale() == "log"


def test_a_lower_end_of_nothing_is_no_infinite_band():
    figure = plot_roc("beauty", ["light"], {"net": roc(GRID**2, low=np.zeros(81))}, {}, [0.7])
    figure.canvas.draw()
    (axes,) = panels_of(figure)
    assert np.isfinite(axes.get_ylim()).all()
    assert axes.get_ylim()[1] < 100


def test_where_the_reference_has_no_curve_there_is_no_panel_of_ratios():
    """As for classes that the reference separates without error."""
    curves = {"perfect": roc(np.where(GRID < 1, 0.0, 1.0)), "good": roc(GRID**2), "poor": roc(GRID)}
    (axes,) = panels_of(plot_roc("beauty", ["light"], curves, {}, [0.7]))
    assert axes.get_xlabel() == "beauty efficiency"
    assert len(panels_of(plot_roc("beauty", ["light"], curves, {}, [0.7], reference="poor"))) == 2


def test_results_without_intervals_have_the_range_of_their_seeds():
    curve = roc(GRID**2)
    del curve["low"], curve["high"]
    curve["backgrounds"]["light"] = [(GRID**2).tolist(), (GRID**2 * 0.5).tolist()]
    band = [
        r
        for r in rows_of(drawn_numbers(plot_roc("beauty", ["light"], {"net": curve}, {}, [0.7])))
        if r["kind"] == "band"
    ]
    np.testing.assert_allclose([float(r["high"]) / float(r["low"]) for r in band], 2.0, rtol=1e-5)


def test_panels_begin_where_their_lines_do_and_empty_ones_are_named():
    late = np.where(GRID > 0.86, GRID - 0.86, 0.0)
    gone = np.where(GRID > 0.985, 0.5, 0.0)
    curve = roc(late)
    for key in ("backgrounds", "low", "high"):
        curve[key]["charm"] = [gone.tolist()] if key == "backgrounds" else gone.tolist()
    curve["samples"]["charm"] = 1000
    assert backgrounds_shown(["light", "charm"], {"net": curve}) == ["light"]
    (axes,) = panels_of(plot_roc("beauty", ["light", "charm"], {"net": curve}, {}, [0.7]))
    assert axes.get_xlim() == pytest.approx((0.85, 1.0))


def fractions(value, low, high):
    return {"value": value, "low": low, "high": high, "per_seed": [value]}


def profile(light, signal=(0.7, 0.6)):
    points = {"light": light, "beauty": fractions(list(signal), [0.5, 0.5], [0.8, 0.8])}
    return {"edges": [0.0, 1.0, 3.0], "samples": {"light": [5, 5], "beauty": [5, 5]}, "left_out": 0,
            "points": {"70": {"global": points, "per_bin": points}}}  # fmt: skip


def test_a_profile_shows_rejections_their_errors_and_limits_where_nothing_passes():
    curves = {"a": profile(fractions([0.1, 0.0], [0.05, 0.0], [0.2, 0.25])),
              "b": profile(fractions([0.2, 0.5], [0.1, 0.4], [0.4, 0.6]))}  # fmt: skip
    figure = plot_profile("pt [GeV]", "beauty", ["light"], "70", curves)
    panels = panels_of(figure)
    assert [axes.get_ylabel() for axes in panels[:4]] == ["beauty efficiency", "light rejection"] * 2
    figure.canvas.draw()
    rows = [row for row in rows_of(drawn_numbers(figure)) if row["panel"] == "2"]
    assert {row["y axis"] for row in rows} == {"light rejection", "ratio"}
    assert {row["title"] for row in rows} == {"one cut"}
    rows = [row for row in rows if row["y axis"] != "ratio"]
    points = {row["series"]: [] for row in rows if row["kind"] == "points"}
    for row in rows:
        if row["kind"] == "points":
            points[row["series"]].append([float(row[key] or "nan") for key in ("y", "low", "high")])
    np.testing.assert_allclose(points["a"], [[10, 5, 20]])
    np.testing.assert_allclose(points["b"], [[5, 2.5, 10], [2, 1 / 0.6, 2.5]], rtol=1e-6)
    np.testing.assert_allclose(points["a, lower limit"], [[4, np.nan, np.nan]])
    steps = [(row["series"], float(row["x"]), float(row["x high"]), float(row["y"])) for row in rows
             if row["kind"] == "histogram"]  # fmt: skip
    assert ("b", 1.0, 3.0, 2.0) in steps
    assert {row["x axis"] for row in rows_of(drawn_numbers(figure)) if row["y axis"] == "ratio"} == {"pt [GeV]"}
    ratio = panels[5]
    assert ratio.get_ylabel() == "ratio"
    drawn = [c for c in ratio.containers if len(c.lines[0].get_ydata())]
    assert [c.lines[0].get_ydata().tolist() for c in drawn] == [[1.0], [0.5]], "no ratio to what does not exist"


def test_where_the_reference_has_an_efficiency_of_nothing_there_is_no_ratio():
    light = fractions([0.1, 0.2], [0.1, 0.1], [0.2, 0.3])
    curves = {"a": profile(light, signal=(0.0, 0.5)), "b": profile(light, signal=(0.5, 0.25))}
    figure = plot_profile("pt", "beauty", ["light"], "70", curves)
    figure.canvas.draw()
    rows = [r for r in rows_of(drawn_numbers(figure)) if r["panel"] == "1" and r["y axis"] == "ratio"]
    assert {(r["series"], r["x high"], r["y"]) for r in rows if r["kind"] == "histogram"} == {
        ("a", "3.0", "1.0"), ("b", "3.0", "0.5")}  # fmt: skip


def test_bins_that_do_not_exist_are_gaps_and_a_profile_of_nothing_is_no_figure():
    empty = fractions([None, None], [None, None], [None, None])
    assert plot_profile("pt", "beauty", ["light"], "70", {"a": profile(empty)}) is None
    half = fractions([None, 0.5], [None, 0.4], [None, 0.6])
    figure = plot_profile("pt", "beauty", ["light"], "70", {"a": profile(half, (None, 0.7))})
    figure.canvas.draw()
    assert not any(row["y"] == "nan" for row in rows_of(drawn_numbers(figure)))
    curve = profile(half)
    curve["samples"] = {"light": [0, 5], "beauty": [0, 5]}
    assert panels_of(plot_profile("pt", "beauty", ["light"], "70", {"a": curve}))[0].get_xlim() == (1.0, 3.0)


def test_discriminants_have_a_histogram_of_each_class_and_lines_at_their_cuts():
    score = {"edges": [-1.0, 0.0, 1.0], "classes": {"light": [0.9, 0.1], "beauty": [None, 0.8]},
             "errors": {"light": [0.1, 0.05], "beauty": [None, 0.1]}, "outside": 0.0}  # fmt: skip
    curve = {"score": score, "cuts": {"70": [0.1, 0.3], "80": [None]}}
    figure = plot_discriminants("D_b", ["light", "beauty"], {"net": curve})
    (axes,) = panels_of(figure)
    upright = [line.get_xdata()[0] for line in axes.lines if line.get_transform() != axes.transData]
    assert upright == [pytest.approx(0.2)]
    assert [text.get_text() for text in axes.texts] == [" 70 %"]
    histogram = [(r["series"], r["x"], r["x high"], r["y"]) for r in rows_of(drawn_numbers(figure))
                 if r["kind"] == "histogram"]  # fmt: skip
    assert ("light", "-1.0", "0.0", "0.9") in histogram
    assert ("beauty", "0.0", "1.0", "0.8") in histogram


def test_importance_has_the_largest_above_with_its_errors():
    importance = {"metric": "AUC lost", "samples": 10, "features": [
        {"group": "jet", "feature": f"f{k}", "worse": [[k / 100, k / 100 + 0.01], [k / 100, k / 100]], "error": 0.01}
        for k in range(MOST + 3)]}  # fmt: skip
    attributions = {"of": "log odds of beauty", "incomplete": 0.0, "features": [
        {"group": "jet", "feature": f"f{k}", "value": 1.0 + k, "error": 0.5, "per_seed": [k, k + 2.0]}
        for k in range(MOST + 3)]}  # fmt: skip
    figure = plot_importance(importance, attributions)
    left = panels_of(figure)[0]
    figure.canvas.draw()
    assert [text.get_text() for text in left.get_yticklabels()] == [f"f{k}" for k in range(MOST + 2, 2, -1)]
    rows = [r for r in rows_of(drawn_numbers(figure)) if r["series"] == "mean"]
    first = next(r for r in rows if r["panel"] == "1")
    value = (MOST + 2) / 100 + 0.0025
    assert float(first["x"]) == pytest.approx(value)
    assert float(first["high"]) - float(first["x"]) == pytest.approx(0.01, rel=1e-5)
    assert float(next(r for r in rows if r["panel"] == "2")["x"]) == MOST + 3
    low, high = left.get_xlim()
    assert low < 0.03 - 0.005 * 2 or low < min(float(r["low"]) for r in rows if r["panel"] == "1")
    assert high > max(float(r["high"]) for r in rows if r["panel"] == "1")
    assert len(panels_of(plot_importance(importance, None))) == 1
