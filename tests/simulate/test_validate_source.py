"""A source and its recipe beside published numbers: what is published, who may ask for it, and when it is too old."""

import json
from pathlib import Path

import pytest

from bevatron.config.loading.digest import digest_of
from bevatron.config.loading.identity import COMPARISONS_VERSION, dataset_digest, raw_digest, validation_digest
from bevatron.config.loading.kinds import RECIPES, SOURCES
from bevatron.config.loading.load import load_study
from bevatron.errors import UserError
from bevatron.raw.comparison import Comparison, Curve
from bevatron.report.plots.comparison import caption_of, plot_comparisons
from bevatron.report.plots.style import page_style
from bevatron.report.results.study_results import _comparisons
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


NAMED = Comparison(
    name="kinds",
    caption="Kinds.",
    x="",
    y="ours / published",
    curves=[
        Curve("theirs", [0.0, 1.0], [1.0, 1.0], [0.1, 0.2], published=True),
        Curve("ours", [0.0, 1.0], [0.9, 1.3], [0.1, 0.1]),
    ],
    x_names=["B⁺", "Λ_b"],
    y_range=(0.5, 1.5),
)


def test_what_is_named_is_drawn_with_its_names_and_published_points_with_their_errors():
    with page_style():
        figure = plot_comparisons([NAMED.to_json(), PANEL.to_json()])
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["B⁺", "Λ_b"]
    assert axes.get_ylim() == (0.5, 1.5)
    theirs, ours = axes.containers
    (bars,) = theirs.lines[2]
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[0.9, 1.1], [0.8, 1.2]]
    assert len(ours.lines[2]) == 1


class _Events:
    """A source that offers a small sample, which is the number 7."""

    def comparisons(self, options, seed):
        return [PANEL]

    def validation_sample(self, options, seed):
        return 7


def test_a_recipe_compares_a_small_sample_of_the_source(tmp_path, monkeypatch):
    study, seen = load_study("function", "demo", STUDIES), []

    def comparisons(self, options, raw, seed):
        seen.append((options, raw, seed))
        return [NAMED]

    for name in ("comparisons", "validation_sample"):
        monkeypatch.setattr(SOURCES["function"], name, getattr(_Events, name), raising=False)
    assert validation_digest(study) == digest_of("comparisons", COMPARISONS_VERSION, raw_digest(study))
    monkeypatch.setattr(RECIPES["function"], "comparisons", comparisons, raising=False)
    assert validation_digest(study) == digest_of("comparisons", COMPARISONS_VERSION, dataset_digest(study))
    for _ in range(2):
        validate_source(study, tmp_path / "source.json")
    tree = json.loads((tmp_path / "source.json").read_text())
    assert [entry["name"] for entry in tree["comparisons"]] == ["range", "kinds"]
    assert tree["digest"] == validation_digest(study)
    assert seen[0] == seen[1]
    assert seen[0][:2] == (study.dataset.recipe, 7)


def test_a_recipe_is_not_asked_where_the_source_has_no_sample(tmp_path, monkeypatch):
    study = load_study("function", "demo", STUDIES)
    monkeypatch.setattr(SOURCES["function"], "comparisons", _Events.comparisons, raising=False)
    monkeypatch.setattr(RECIPES["function"], "comparisons", lambda *arguments: 1 / 0, raising=False)
    validate_source(study, tmp_path / "source.json")
    assert len(json.loads((tmp_path / "source.json").read_text())["comparisons"]) == 1


@pytest.mark.slow
def test_the_jets_have_all_their_panels(tmp_path, monkeypatch):
    from bevatron.simulate.collisions.validation import comparisons
    from bevatron.simulate.sources import jets

    for name, events in {"Z_EVENTS": 100, "JET_EVENTS": 4, "OWN_EVENTS": 10}.items():
        monkeypatch.setattr(comparisons, name, events)
    monkeypatch.setattr(jets, "VALIDATION_EVENTS", 40)
    study = load_study("jets", "demo", STUDIES)
    validate_source(study, tmp_path / "source.json")
    tree = json.loads((tmp_path / "source.json").read_text())
    names = [entry["name"] for entry in tree["comparisons"]]
    assert names[-3:] == ["d0_resolution", "d0_significance", "vertices"]
    assert len(names) == 11
    with page_style():
        plot_comparisons(tree["comparisons"])


def test_the_report_refuses_a_comparison_of_other_settings(tmp_path, monkeypatch):
    study = load_study("function", "demo", STUDIES)
    study = study.model_copy(update={"evaluation": study.evaluation.model_copy(update={"validate_source": True})})
    monkeypatch.setattr(SOURCES["function"], "comparisons", _Events.comparisons, raising=False)
    validate_source(study, tmp_path / "evaluation" / "source.json")
    assert [entry["name"] for entry in _comparisons(study, tmp_path)] == ["range"]
    other = study.simulation.model_copy(update={"seed": study.simulation.seed + 1})
    with pytest.raises(UserError, match=r"other settings of the simulation or of the recipe.*validate-source function"):
        _comparisons(study.model_copy(update={"simulation": other}), tmp_path)
