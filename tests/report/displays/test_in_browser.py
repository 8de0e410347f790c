"""Panels in a real browser, without a network, moved by keys; numbers against those worked out here."""

from base64 import b64decode

import numpy as np
import pytest
from made_results import CLASSES, EPSILONS, attacked, generated

from bevatron.report.explore.arrays import encode_array
from bevatron.report.explore.panel import Panel
from bevatron.report.explore.panels import adversarial, spot_generated

pytestmark = pytest.mark.slow
RIGHT, LEFT, END, SPACE = "\ue014", "\ue012", "\ue010", " "


@pytest.mark.parametrize("kind", ["fgsm", "random"])
def test_a_slider_shows_the_image_and_the_probabilities_at_each_epsilon(show, kind):
    results, curves = attacked()
    shown = show(adversarial.build_panels(results)[0])
    shown.choose("network", "network <second>")
    shown.choose("change", dict(adversarial.KINDS)[kind])
    shown.choose("image", "2: one")
    found = curves["second"]["attacked_images"]
    for step, epsilon in enumerate(EPSILONS):
        p = found[kind]["probabilities"][1][step]
        best = int(np.argmax(p))
        verdict = "right" if best == 1 else "wrong"
        expected = f"with ε = {epsilon:g} it says {CLASSES[best]} ({100 * p[best]:.1f} %): {verdict}."
        assert expected in shown.text(".summary")
        image = np.clip(np.array(found["image"][1][0]) + epsilon * np.array(found[kind]["sign"][1][0]), 0, 1)
        np.testing.assert_allclose(shown.drawn(".changed")["data"][0]["z"], image, atol=1e-6)
        bars = shown.drawn(".probabilities")["data"][0]
        np.testing.assert_allclose(bars["x"], p)
        assert bars["y"] == CLASSES
        shown.press("ε", RIGHT)
    assert shown.labelled("ε").get_attribute("aria-valuetext") == f"ε = {EPSILONS[-1]:g}"


def test_images_in_colours_are_drawn(show):
    shown = show(adversarial.build_panels(attacked(channels=3)[0])[0])
    assert np.shape(shown.drawn(".changed")["data"][0]["z"]) == (4, 5, 3)


def test_the_game_counts_the_score_and_tells_no_answer_before_the_choice(show):
    results, _, _ = generated()
    panel = spot_generated.build_panels(results)[0]
    shown = show(panel)
    images = np.frombuffer(b64decode(panel.data["games"][0]["images"]["base64"]), np.uint8)
    is_generated = images.reshape(12, -1).mean(1) < 128
    right = 0
    shown.browser.execute_script("document.querySelector('button.real').focus()")
    for place, truth in enumerate(is_generated):
        assert f"Image {place + 1} of 12: real or generated?" == shown.text(".verdict")
        says = truth if place != 3 else not truth
        shown.browser.switch_to.active_element.send_keys("g" if says else "r")
        right += int(says == truth)
        word = "Right" if says == truth else "Wrong"
        assert shown.text(".verdict").startswith(f"{word}: image {place + 1} is {'generated' if truth else 'real'}.")
        assert shown.text(".score").startswith(f"{right} of {place + 1} right")
        shown.browser.switch_to.active_element.send_keys("g")  # a second answer does not count
        if place < 11:
            shown.browser.switch_to.active_element.send_keys(SPACE)
    assert "11 of 12 right" in shown.text(".verdict")
    assert "83.0 %" in shown.text(".verdict")
    shown.browser.switch_to.active_element.send_keys(SPACE)
    assert shown.text(".score") == "0 of 0 right"


def denoising_panel():
    rng = np.random.default_rng(3)
    noisy, clean, *outputs = rng.normal(size=(5, 3, 4, 4)).astype(np.float32)
    models = [
        {"title": f"h{k}", "latent": k, "noise_left": 0.25, "output": encode_array(output)}
        for k, output in zip((1, 4, 16), outputs, strict=True)
    ]
    family = {"title": "images", "unit": "counts", "learned": "clean", "noisy": encode_array(noisy)}
    alone = family | {"title": "alone", "clean": encode_array(clean), "models": models[:1]}
    data = {"families": [family | {"clean": encode_array(clean), "models": models}, alone]}
    return Panel("denoising", "Denoising", "", data, "denoising.js"), noisy, clean, outputs


def test_a_slider_over_latent_dimensions_shows_each_trained_network(show):
    panel, noisy, clean, outputs = denoising_panel()
    shown = show(panel)
    shown.press("image", RIGHT)
    for k, output in enumerate(outputs):
        assert shown.labelled("latent dimensions").get_attribute("aria-valuetext") == str((1, 4, 16)[k])
        np.testing.assert_allclose(shown.drawn(".output")["data"][0]["z"], output[1], rtol=1e-6)
        before, after = (float(np.sqrt(((x[1] - clean[1]) ** 2).mean())) for x in (noisy, output))
        assert f"({100 * after / before:.1f} %)" in shown.text(".summary")
        shown.press("latent dimensions", RIGHT)
    shown.choose("networks", "alone")
    assert not shown.labelled("latent dimensions").is_enabled()


def jet(label, truth):
    tracks = {"x": [0.1, 0.0], "y": [0.3, -0.2], "phi": [0.3, -0.6], "pt": [3.0, 2.0], "d0": [0.3, 0.2]}
    tracks |= {"significance": [7.0, 1.0], "track_origin": [3, 2]}
    particles = {"x": [4.0], "y": [0.1], "phi": [0.2], "pt": [2.0]}
    decays = [{"x": 3.0, "y": 4.0, "quark": 5}]
    vertices = [
        {"x": 4.0, "y": 0.1, "mass": 2.0, "significance": 9.0, "n_tracks": 2},
        {"radius": 3.0, "mass": 1.0, "significance": 5.0, "n_tracks": 3},
    ]
    return {
        "id": "1", "label": label, "pt": 50.0, "eta": 0.5, "tracks": tracks,
        "vertices": vertices,
        "truth": {"decays": decays, "particles": particles} if truth else None,
    }  # fmt: skip


def test_displays_of_jets_follow_the_controls(show):
    data = {
        "classes": ["light", "<b>beauty</b>"], "jets": [jet(0, True), jet(1, True), jet(1, False)],
        "models": [{"title": "one", "seeds": 2, "probabilities": [[0.9, 0.1], [0.25, 0.75], [None, None]]}],
        "origins": ["pile up", "fake", "primary", "from b"],
    }  # fmt: skip
    shown = show(Panel("jets", "Jets", "", data, "jets.js"))
    shown.choose("class", "<b>beauty</b>")
    assert "A jet of the class <b>beauty</b> with pT 50 GeV" in shown.text(".summary")
    assert "a beauty hadron decays after 5 mm" in shown.text(".summary")
    assert "2 tracks, 1 of them more than 3 σ" in shown.text(".summary")
    bars = shown.drawn(".probabilities")["data"][0]
    assert (bars["x"], bars["y"]) == ([0.25, 0.75], ["light", "&lt;b&gt;beauty&lt;/b&gt;"])
    view = shown.drawn(".event")
    names = [trace["name"] for trace in view["data"]]
    assert "true decay of a beauty hadron" in names
    (line,) = [trace for trace in view["data"] if trace["name"] == "from b"]
    (x0, x1), (y0, y1) = line["x"][:2], line["y"][:2]
    assert (y1 - y0) / (x1 - x0) == pytest.approx(np.tan(0.3))
    assert y0 + (0.1 - x0) * np.tan(0.3) == pytest.approx(0.3)  # through the perigee
    height = np.diff(view["layout"]["yaxis"]["range"])[0]
    shown.press("distances across the axis", RIGHT, 4)  # from 4 to 8
    assert np.diff(shown.drawn(".event")["layout"]["yaxis"]["range"])[0] == pytest.approx(height / 2)
    shown.labelled("show the truth").send_keys(SPACE)
    assert "true decay of a beauty hadron" not in [trace["name"] for trace in shown.drawn(".event")["data"]]
    shown.labelled("show the truth").send_keys(SPACE)
    shown.press("jet", RIGHT)
    assert "no truth" in shown.text(".summary")


def wires_panel(task):
    rng = np.random.default_rng(5)
    shape, events, dense = (3, 6, 8), [], []
    for k in range(2):
        image = np.round(rng.exponential(10, shape) * (rng.random(shape) < 0.4), 2).astype(np.float32)
        index = np.flatnonzero(image)
        dense.append(image)
        true = (np.arange(len(index)) % 3 - 1).astype(np.int8)
        encoded = {"stored": len(index), "index": encode_array(index), "value": encode_array(image.ravel()[index])}
        events.append(
            {
                "id": str(k), "label": k if task == "classification" else None, "boxes": [[0.25, 0.5, 0.75, 1.0, 1]],
                "images": {"planes": encoded | {"true": encode_array(true)}},
                "primaries": "muon 100 MeV" if k else None,
            }
        )  # fmt: skip
    n = [event["images"]["planes"]["stored"] for event in events]
    models = {
        "classification": {"probabilities": [[0.7, 0.3], [0.4, 0.6]]},
        "detection": {"boxes": [[[0.1, 0.1, 0.5, 0.5, 0.8, 0], [0, 0, 1, 1, 0.4, 1]], []]},
        "segmentation": {"pixels": [{"predicted": [1] * n[0], "percent": [90] * n[0]}, None]},
    }
    data = {
        "task": task, "classes": ["track", "<i>shower</i>"], "pixel_classes": ["track", "<i>shower</i>"],
        "groups": {"planes": {"shape": list(shape), "planes": ["u", "v", "y"], "unit": "ke"}},
        "segmented": "planes" if task == "segmentation" else None, "events": events,
        "models": [{"title": "one"} | models[task]],
    }  # fmt: skip
    return Panel("wires", "Wires", "", data, "wires.js"), np.array(dense)


def test_planes_show_the_charge_of_each_pixel(show):
    panel, dense = wires_panel("classification")
    shown = show(panel)
    for event in range(2):
        for plane in range(3):
            z = shown.drawn(f".plane:nth-child({plane + 1})")["data"][0]["z"]
            np.testing.assert_allclose(
                np.array(z, float), np.where(dense[event, plane] > 0, dense[event, plane], np.nan), rtol=1e-5
            )
        total = dense[event, 1].sum()
        assert f"v {total:.4g} ke" in shown.text(".summary")
        bars = shown.drawn(".probabilities")["data"][0]
        assert bars["x"] == panel.data["models"][0]["probabilities"][event]
        assert bars["y"] == ["track", "&lt;i&gt;shower&lt;/i&gt;"]
        shown.press("event", RIGHT)
    assert "True particles: muon 100 MeV." in shown.text(".summary")


def test_boxes_lie_in_the_collection_plane_and_improbable_ones_can_be_hidden(show):
    shown = show(wires_panel("detection")[0])
    assert shown.drawn(".plane:nth-child(1)")["layout"]["shapes"] == []
    true, *found = shown.drawn(".plane:nth-child(3)")["layout"]["shapes"]
    assert [true[k] for k in ("x0", "x1", "y0", "y1")] == [1.5, 5.5, 2.5, 5.5]  # quarters of 8 wires, half of 6 ticks
    assert len(found) == 2
    shown.press("least probability", RIGHT, 4)  # from 0.30 to 0.50
    assert len(shown.drawn(".plane:nth-child(3)")["layout"]["shapes"]) == 2
    assert "Found: track 0.80." in shown.text(".summary")
    shown.press("least probability", END)
    assert "Found: nothing." in shown.text(".summary")


def test_classes_of_pixels_are_shown_beside_what_is_predicted(show):
    panel, _ = wires_panel("segmentation")
    shown = show(panel)
    shown.choose("colours", "right or wrong")
    n = panel.data["events"][0]["images"]["planes"]["stored"]
    true = np.arange(n) % 3 - 1
    fraction = (true[true >= 0] == 1).mean()
    assert f"{100 * fraction:.1f} % of {(true >= 0).sum()} pixels are predicted right" in shown.text(".summary")
    z = [v for plane in (1, 2, 3) for row in shown.drawn(f".plane:nth-child({plane})")["data"][0]["z"] for v in row]
    assert (z.count(0), z.count(1)) == ((true == 1).sum(), (true == 0).sum())
    shown.press("event", RIGHT)
    assert "was not kept" in shown.text(".summary")
