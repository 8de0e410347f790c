"""The figure of the detector's effects, and that all effects together give the same bytes again."""

import json

import numpy as np
from wire_events import MUON, prepared, raw

from bevatron.prepare.recipes.lartpc import WirePlanes
from bevatron.report.plots.detector_effects import plot_detector_effects
from bevatron.report.plots.style import page_style

ALL = {
    "electronics": {"noise": 0.4, "coherent_noise": 0.2, "threshold": 1.0, "dead_fraction": 0.1},
    "response": {"signal": "waveform"},
    "space_charge": {"displacement": 13.0},
    "drift": {},
}
STEEP = ((60, -20, 150), (200, 20, 190), 2.1, 0)


def content(samples):
    columns = [samples.inputs[name].column for name in ("fine", "coarse")]
    return (
        b"".join(a.tobytes() for c in columns for a in (c.index, c.value, c.offsets))
        + samples.targets["boxes"].tobytes()
    )


def test_the_same_seed_gives_the_same_bytes_whatever_was_made_before():
    events, others = raw([[MUON], [STEEP], [MUON, STEEP]]), raw([[STEEP]])
    alone = content(prepared(events, **ALL))
    prepared(others, seed=7, **ALL)
    assert content(prepared(events, **ALL)) == alone
    assert content(prepared(events, seed=2, **ALL)) != alone


def test_effects_are_drawn_and_the_same_each_time():
    options = WirePlanes.Options.model_validate({"kind": "lartpc", "images": {"lores": {"rebin": 8}}, **ALL})
    events = raw([[STEEP], [MUON, STEEP]])
    one, two = (json.dumps(WirePlanes().effects(options, events, 3).to_json()) for _ in range(2))
    assert one == two
    effects = json.loads(one)
    titles = [image["title"] for image in effects["images"]]
    assert titles == [
        "without any of them", "induction response", "dead wires", "coherent noise", "space charge",
        "all, as in this study",
    ]  # fmt: skip
    plain = effects["images"][0]
    for image in effects["images"][1:]:
        assert (image["index"], image["value"]) != (plain["index"], plain["value"]), image["title"]
    assert min(effects["images"][1]["value"]) < 0
    waveforms = {curve["label"].split(",")[0]: np.array(curve["y"]) for curve in effects["panels"][0]["curves"]}
    for plane in ("plane u", "plane v"):
        assert waveforms[plane].min() < -0.2 * waveforms[plane].max()
    assert waveforms["plane y"].min() > -0.05 * waveforms["plane y"].max()
    with page_style():
        figure = plot_detector_effects(effects)
    for axes in figure.axes[: len(titles) + 5]:
        assert axes.get_xlabel()
        assert axes.get_ylabel()
    assert "Δx on the axis" in [text.get_text() for text in figure.axes[len(titles) + 4].get_legend().get_texts()]


def test_an_effect_that_a_study_has_off_is_named_so():
    options = WirePlanes.Options.model_validate(
        {"kind": "lartpc", "images": {"lores": {}}, "electronics": {"dead_fraction": 0.0}}
    )
    titles = [image.title for image in WirePlanes().effects(options, raw([[MUON]]), 3).images]
    assert titles[2:5] == [f"{name} (off in this study)" for name in ("dead wires", "coherent noise", "space charge")]


def test_the_event_that_is_drawn_shows_both_what_dead_wires_hide_and_what_they_leave():
    """On chips that are dead, beside them, and over both: the last is drawn, wherever it is in the shard."""
    options = WirePlanes.Options.model_validate({"kind": "lartpc", "images": {"lores": {"rebin": 8}}, **ALL})
    across = ((60, 0, 100), (80, 0, 280), 2.1, 0)  # over 300 wires of v: a tenth of them is dead
    point = ((60, 0, 100), (60.3, 0, 100), 2.1, 0)
    for events in ([[point], [across], [point]], [[across], [], [point]]):
        effects = WirePlanes().effects(options, raw(events), 3)
        assert len(effects.images[0].index) > 50
        assert 0 < len(effects.images[2].index) < len(effects.images[0].index)
