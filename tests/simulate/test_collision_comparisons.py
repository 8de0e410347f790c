"""The comparisons of generated collisions with published numbers: complete, finite, repeatable."""

import json

import numpy as np
import pytest
from particle import Particle

from bevatron.errors import UserError
from bevatron.raw.comparison import Value, compare_values, fraction_and_error, mean_and_error
from bevatron.simulate.collisions.validation import comparisons, published
from bevatron.simulate.collisions.validation.samples import generate_z
from bevatron.simulate.sources.jets import PythiaJets


@pytest.fixture
def few(monkeypatch):
    for name, events in {"Z_EVENTS": 150, "JET_EVENTS": 6, "OWN_EVENTS": 20}.items():
        monkeypatch.setattr(comparisons, name, events)


def options(**changes):
    return PythiaJets.Options(kind="jets", multiple_interactions=False, **changes)


def test_every_panel_has_published_points_and_ours_and_is_the_same_again(few):
    found, again = (PythiaJets().comparisons(options(), 2**80 + 5) for _ in range(2))
    panels = {panel.name: panel for panel in found}
    assert list(panels) == [
        "b_fragmentation", "c_fragmentation", "decay_lengths", "lifetimes", "fractions", "decays", "events", "jets",
    ]  # fmt: skip
    for panel in found:
        assert {curve.published for curve in panel.curves} == {True, False}, panel.name
        for curve in panel.curves:
            assert np.isfinite([*curve.x, *curve.y, *(curve.error or [])]).all(), panel.name
            assert len(curve.x) == len(curve.y) == len(curve.error or curve.x), panel.name
            assert curve.error or (panel.line and curve.published), panel.name
    assert json.dumps([p.to_json() for p in found]) == json.dumps([p.to_json() for p in again])


def test_settings_of_the_study_are_those_of_the_comparisons(few):
    def lifetime(of_panels):
        return next(panel for panel in of_panels if panel.name == "lifetimes").caption

    longer = PythiaJets().comparisons(options(settings=["421:tau0 = 12.29"]), 3)  # mm, a hundred times the D0's
    plain = PythiaJets().comparisons(options(), 3)
    assert lifetime(longer) != lifetime(plain)
    ratios = next(panel for panel in longer if panel.name == "lifetimes")
    assert ratios.curves[1].y[ratios.x_names.index("D⁰")] > 50


def test_densities_are_normalised(few):
    panels = {panel.name: panel for panel in PythiaJets().comparisons(options(), 4)}
    width = np.diff(published.X_B_EDGES)
    theirs, ours = panels["b_fragmentation"].curves
    assert np.sum(np.array(theirs.y) * width) == pytest.approx(1.0, abs=0.02)
    assert 0.98 < np.sum(np.array(ours.y) * width) <= 1.0  # some below x = 0.1 or of rounding above 1
    for curve in panels["c_fragmentation"].curves:
        assert np.sum(np.array(curve.y) * 0.05) == pytest.approx(1.0)


def test_published_spectra_have_the_published_means():
    """The spectrum of b hadrons against DELPHI's own mean, 0.699 ± 0.011, the points taken at the bins' middle."""
    middle, width = (published.X_B_EDGES[1:] + published.X_B_EDGES[:-1]) / 2, np.diff(published.X_B_EDGES)
    assert np.average(middle, weights=published.X_B * width) == pytest.approx(0.699, abs=0.011)


def test_published_production_fractions_add_up_to_one():
    (mesons, _), (strange, _), (baryons, _) = published.Z_FRACTIONS.values()
    assert 2 * mesons + strange + baryons == pytest.approx(1.0, abs=0.001)


def test_published_lifetimes_are_those_of_another_edition():
    """The `particle` package holds a later edition of the Particle Data Group's tables: widths in MeV, times in ns."""
    for number, (name, lifetime, error) in published.LIFETIMES.items():
        later = Particle.from_pdgid(number)
        later_error = later.lifetime * later.width_upper / later.width
        pull = (lifetime - 1000 * later.lifetime) / np.hypot(error, 1000 * later_error)
        assert abs(pull) < 3, name


def test_published_counts_with_and_without_strange_hadrons_differ_by_these_hadrons():
    """K⁰_S and Λ in the decay of a b hadron, and their decays to charged particles: Particle Data Group 2022."""
    kaons, lambdas = np.array([0.290, 0.029]), np.array([0.059, 0.006])
    value, error = 2 * (0.692 * kaons + 0.639 * lambdas)
    (without, without_error), (all_of_them, its_error) = published.B_CHARGED, published.B_CHARGED_ALL
    assert abs(without + value - all_of_them) < 3 * np.sqrt(without_error**2 + error**2 + its_error**2)


def test_published_counts_by_quark_add_up_to_that_of_all_hadronic_z_decays():
    """20.76 ± 0.16 charged particles, with those of K⁰_S and Λ: Particle Data Group 2022."""
    fractions = np.array([1 - published.R_B - published.R_C, published.R_C, published.R_B])
    counts, errors = np.array([published.Z_CHARGED[quarks] for quarks in ("uds", "c", "b")]).T
    assert abs(fractions @ counts - 20.76) < 3 * np.hypot(np.linalg.norm(fractions * errors), 0.16)


def test_strange_hadrons_of_z_decays_decay_whatever_the_study_says():
    undecayed = ["ParticleDecays:limitTau0 = on", "ParticleDecays:tau0Max = 10.0", "310:mayDecay = off"]
    ours, plain = (generate_z("uds", 40, settings, 5).charged for settings in (undecayed, []))
    assert ours.tolist() == plain.tolist()


def test_pulls_are_differences_in_standard_deviations():
    value = Value("x", 1.3, 0.3, 1.0, 0.4)
    assert value.pull == pytest.approx(0.6)
    panel = compare_values("p", "Numbers.", "ratio", "theirs", [value, Value("y\nz", np.nan, np.nan, 2.0, 0.1)])
    assert panel.x_names == ["x"]
    theirs, ours = panel.curves
    assert (theirs.y, theirs.error) == ([1.0], [0.4])
    assert (ours.y, ours.error) == ([1.3], [0.3])
    assert "x 1.3 ± 0.3 (1 ± 0.4, +0.6σ)" in panel.caption
    assert "too few for y z" in panel.caption
    low, high = panel.y_range
    assert low < 0.6 < 1.6 < high


def test_nothing_measured_is_an_empty_panel():
    panel = compare_values("p", "Numbers.", "ratio", "theirs", [Value("x", np.nan, np.nan, 1.0, 0.1)])
    assert panel.x_names == []
    assert all(curve.x == [] for curve in panel.curves)


def test_means_and_fractions_have_the_errors_of_the_textbook():
    assert mean_and_error(np.array([1.0, 2.0, 3.0])) == pytest.approx((2.0, 1 / np.sqrt(3)))
    assert np.isnan(mean_and_error(np.array([1.0]))).all()
    assert fraction_and_error(1, 4) == pytest.approx((0.25, np.sqrt(0.25 * 0.75 / 4)))
    assert np.isnan(fraction_and_error(0, 0)).all()
    for part in (0, 4):  # none or all of four: 1 of 6 is assumed for the error, which is not zero
        assert fraction_and_error(part, 4) == pytest.approx((part / 4, np.sqrt(5 / 36 / 4)))


def test_next_to_no_events_and_no_beauty_are_told_and_no_error(monkeypatch):
    for name, events in {"Z_EVENTS": 2, "JET_EVENTS": 1, "OWN_EVENTS": 1}.items():
        monkeypatch.setattr(comparisons, name, events)
    panels = {p.name: p for p in PythiaJets().comparisons(options(processes={"light": ["HardQCD:gg2gg = on"]}), 1)}
    for panel in panels.values():
        assert all(np.isfinite(curve.y).all() for curve in panel.curves)
    assert "too few for Λ_b/B in pp" in panels["fractions"].caption


def test_a_setting_that_pythia_does_not_know_is_told_in_one_line(few):
    with pytest.raises(UserError, match=r"simulation.source: Pythia does not know the setting 'Nonsense:x = 1'"):
        PythiaJets().comparisons(options(settings=["Nonsense:x = 1"]), 1)
