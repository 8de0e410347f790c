"""The files beside a figure: its numbers as CSV, and its PDF."""

import csv
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bevatron.report.plots.drawn_numbers import drawn_numbers
from bevatron.report.plots.style import draw_figure, page_style


@pytest.fixture(autouse=True)
def closed():
    with page_style():
        yield
    plt.close("all")


def rows_of(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_numbers_of_all_kinds_are_read_back():
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([1, 2, np.nan], [3, 4, 5], color="red", label="line")
    left.fill_between([1, 2, 3], [0, 1, 2], [2, 3, 4], color="red", alpha=0.2)
    left.errorbar([1, 2], [5, 6], yerr=[[1, 2], [3, 4]], fmt="o", color="blue", label="points")
    left.axvline(1.5)
    left.set_xlabel("x\n[m]")
    left.bar([0, 1], [7, 8], width=0.5, label="bars", color="green")
    right.imshow(np.array([[1.0, 2.0], [3.0, np.nan]]))
    rows = rows_of(drawn_numbers(figure))
    assert {row["x axis"] for row in rows if row["panel"] == "1"} == {"x [m]"}

    def of(kind):
        return [
            tuple(row[k] for k in ("series", "x", "x high", "y", "low", "high")) for row in rows if row["kind"] == kind
        ]

    assert of("line") == [("line", "1.0", "", "3.0", "", ""), ("line", "2.0", "", "4.0", "", "")]
    assert of("band") == [("line", f"{x}.0", "", "", f"{x - 1}.0", f"{x + 1}.0") for x in (1, 2, 3)]
    assert of("points") == [("points", "1.0", "", "5.0", "4.0", "8.0"), ("points", "2.0", "", "6.0", "4.0", "10.0")]
    assert of("bar") == [("bars", "-0.25", "0.25", "7.0", "", ""), ("bars", "0.75", "1.25", "8.0", "", "")]
    assert of("matrix") == [("row 0", "0.0", "", "1.0", "", ""), ("row 0", "1.0", "", "2.0", "", ""),
                            ("row 1", "0.0", "", "3.0", "", "")]  # fmt: skip


def test_a_picture_has_no_numbers():
    figure, axes = plt.subplots()
    axes.imshow(np.zeros((100, 100)))
    assert drawn_numbers(figure) == b""


@pytest.mark.parametrize(("pdf", "folded", "expected"), [
    ("none", False, False), ("shown", False, True), ("shown", True, False), ("all", True, True)])  # fmt: skip
def test_a_pdf_is_made_where_it_was_asked_for_with_the_same_bytes_each_time(pdf, folded, expected):
    def draw():
        figure, axes = plt.subplots()
        axes.plot([1, 2], [3, 4], label="$E = mc^2 \\frac{")
        axes.legend()
        return figure

    with page_style(pdf):
        first, second = (draw_figure(draw, "name", "caption", folded=folded) for _ in range(2))
    assert first == second
    assert not first.failure
    assert bool(first.pdf) == expected
    assert set(first.files) == {"name.svg", "name.csv"} | ({"name.pdf"} if expected else set())
    if expected:
        assert first.pdf.startswith(b"%PDF")
        assert b"/Type3" in first.pdf, "letters are text"
        assert b"CreationDate" not in first.pdf
