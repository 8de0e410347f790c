"""Numbers as a physicist writes them."""

import math

import pytest

from bevatron.config.sections.model import Model
from bevatron.report.tables.numbers import duration, exact, plain, sigmas, size, with_error
from bevatron.report.tables.study_tables import architecture_words


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.93512, 0.00213, "0.9351 ± 0.0021"),
        (12.345, 0.0996, "12.35 ± 0.10"),
        (-3.2, 1.26, "−3.2 ± 1.3"),
        (1234.5, 62.0, "1234 ± 62"),
        (3.2e-5, 1.1e-6, "(3.20 ± 0.11) × 10⁻⁵"),
        (4.2e7, 1.5e6, "(4.20 ± 0.15) × 10⁷"),
        (2.0, 0.0, "2.000"),
        (0.54106, 1.1e-16, "0.5411"),
        (0.0, 0.02, "0.000 ± 0.020"),
        (2.0, math.nan, "2.000"),
        (math.nan, 1.0, "–"),
        (None, None, "–"),
    ],
)
def test_error_has_two_digits_and_the_value_as_many_places(value, error, text):
    assert with_error(value, error) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.04567, "0.0457"), (123456.0, "123 456"), (2.5e-7, "2.50 × 10⁻⁷"), (math.inf, "∞"), (None, "–")],
)
def test_plain(value, text):
    assert plain(value).replace("\N{NARROW NO-BREAK SPACE}", " ") == text


def test_others():
    assert exact(0.1) == "0.1"
    assert sigmas(-2.34) == "−2.3 σ"
    assert sigmas(31.0) == "> 10 σ"
    assert sigmas(math.inf) == "> 10 σ"
    assert size(1234567) == "1.2 MB"
    assert size(999) == "999 B"
    assert duration(0.0123) == "12 ms"
    assert duration(3725) == "62 min 05 s"


def test_an_architecture_s_options_are_the_numbers_that_were_written():
    tree = {"kind": "gan", "latent": 1100, "spectral_normalisation": True}
    model = Model.model_validate({"title": "G and D", "inputs": ["image"], "architecture": tree})
    words = architecture_words(model)
    assert "latent 1100," in words
    assert ", spectral normalisation," in words
