"""A source beside published numbers: what is published, and who may ask for it."""

import json
from pathlib import Path

import pytest

from bevatron.config.loading.kinds import SOURCES
from bevatron.config.loading.load import load_study
from bevatron.errors import UserError
from bevatron.raw.comparison import Comparison, Curve
from bevatron.report.plots.comparison import caption_of, plot_comparisons
from bevatron.report.plots.style import page_style
from bevatron.simulate.validate_source import validate_source
from bevatron.store.files.checksum import check_checksum

STUDIES = Path(__file__).parents[2] / "config" / "studies"
PANEL = Comparison(
    name="range",
    caption="Ranges.",
    x="kinetic energy [MeV]",
    y="range [cm]",
    curves=[Curve("ours", [1.0, 2.0], [3.0, 4.0], [0.1, 0.2]), Curve("theirs", [1.0, 2.0], [3.1, 4.1], published=True)],
    log_x=True,
)


def test_a_source_without_comparisons_is_refused_by_name(tmp_path):
    with pytest.raises(UserError, match=r"function.*validate_source.*offers no comparison"):
        validate_source(load_study("function", "demo", STUDIES), tmp_path / "source.json")


def test_what_a_source_offers_is_sealed_and_drawn(tmp_path, monkeypatch):
    study = load_study("function", "demo", STUDIES)
    monkeypatch.setattr(SOURCES["function"], "comparisons", lambda self, options, seed: [PANEL], raising=False)
    validate_source(study, tmp_path / "source.json")
    tree = json.loads((tmp_path / "source.json").read_text())
    check_checksum(tree, tmp_path / "source.json", "")
    with page_style():
        figure = plot_comparisons(tree["comparisons"])
    (axes,) = figure.axes
    assert axes.get_xlabel() == "kinetic energy [MeV]"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["theirs", "ours"]
    assert caption_of(tree["comparisons"]).endswith("Ranges.")
