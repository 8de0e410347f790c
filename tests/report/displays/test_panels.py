"""What panels are made of: images under attack and the game; and studies that have nothing for them."""

import base64
import json

import numpy as np
import pytest
from made_results import CLASSES, EPSILONS, attacked, generated, results_of

from bevatron.config.sections.task import Classification, Reconstruction
from bevatron.report.explore.panel import script_file
from bevatron.report.explore.panels import adversarial, spot_generated


def decode(encoded):
    return np.frombuffer(base64.b64decode(encoded["base64"]), encoded["dtype"]).reshape(encoded["shape"])


def test_images_are_kept_once_and_changes_for_each_network():
    results, curves = attacked()
    (panel,) = adversarial.build_panels(results)
    assert script_file(panel.script).is_file()
    (images,) = panel.data["images"].values()
    shown = curves["second"]["attacked_images"]
    np.testing.assert_allclose(decode(images), shown["image"], atol=1e-6)
    second = panel.data["models"][1]
    assert second["epsilons"] == EPSILONS
    for kind in ("fgsm", "random"):
        np.testing.assert_array_equal(decode(second["attacks"][kind]["sign"]), shown[kind]["sign"])
        assert second["attacks"][kind]["probabilities"] == shown[kind]["probabilities"]


def test_networks_that_do_not_fit_on_the_page_are_counted(monkeypatch):
    monkeypatch.setattr(adversarial, "BYTES", 250)
    (panel,) = adversarial.build_panels(attacked()[0])
    assert len(panel.data["models"]) == 1
    assert "Of 2 attacked networks 1 are shown" in panel.explanation


def test_results_of_an_earlier_evaluation_say_what_to_do():
    results, curves = attacked()
    for c in curves.values():
        del c["attacked_images"]
    with pytest.raises(ValueError, match="evaluate the models again"):
        adversarial.build_panels(results)


def test_every_image_is_in_the_game_once_and_its_encoded_answer_is_right():
    results, real, made = generated()
    (panel,) = spot_generated.build_panels(results)
    (game,) = panel.data["games"]
    shades = decode(game["images"])
    truth = [int(((ord(c) - 48) ^ ((place * 7 + game["key"]) & 63)) & 1) for place, c in enumerate(game["answers"])]
    span = real.max() - real.min()
    every = np.clip(np.round(255 * (np.array([*real, *made]) - real.min()) / span), 0, 255).astype(np.uint8)
    assert sorted(image.tobytes() for image in shades) == sorted(image.tobytes() for image in every)
    assert truth == [int(image.mean() < 128) for image in shades]
    assert sum(truth) == len(made)


def test_answers_cannot_be_read_from_the_text_of_the_page():
    results, _, _ = generated(40)
    (panel,) = spot_generated.build_panels(results)
    answers = json.loads(panel.json)["games"][0]["answers"]
    truth = decode(panel.data["games"][0]["images"]).mean((1, 2)) < 128
    of_truth = [{answers[i] for i in np.flatnonzero(truth == t)} for t in (True, False)]
    assert len(of_truth[0] & of_truth[1]) > 3  # no character stands for one answer
    assert truth.tolist() not in (sorted(truth), sorted(truth)[::-1])


def test_the_order_of_the_images_is_drawn_once():
    first, again = (spot_generated.build_panels(generated()[0])[0].json for _ in range(2))
    assert first == again


def test_other_tasks_have_no_such_panels():
    plain = Classification(kind="classification", target="label", classes=CLASSES, signal="one")
    assert adversarial.build_panels(results_of(plain, {"a": {}})) == []
    other = results_of(Reconstruction(kind="reconstruction", target="image"), {"a": {}})
    assert adversarial.build_panels(other) == spot_generated.build_panels(other) == []
    no_images, _, _ = generated()
    no_images.models["gan"].curves.clear()
    assert spot_generated.build_panels(no_images) == []
