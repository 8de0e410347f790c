"""Images that are kept for looking: their changes against the gradient of a linear network, which is known."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from bevatron.config.sections.task import Attacks
from bevatron.evaluate.inspection import attacked_images as module
from bevatron.evaluate.inspection import segmented
from bevatron.evaluate.inspection.attacked_images import attacked_images
from bevatron.store.shards.columns import Group, SparseImages

N_CLASSES, SHAPE = 3, (1, 4, 5)
LABELS = [2, 0, 0, 2, 1, 1]


class Linear(nn.Module):
    """Logits W x of an image."""

    def __init__(self, weights):
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights), requires_grad=False)

    def forward(self, inputs):
        return inputs["image"].flatten(1) @ self.weights.T


@pytest.fixture
def drawn(monkeypatch):
    """Weights (3, 20) and images (6, 1, 4, 5), which the module reads in two batches."""
    rng = np.random.default_rng(2)
    weights = rng.normal(size=(N_CLASSES, 20)).astype(np.float32)
    images = rng.random((len(LABELS), *SHAPE)).astype(np.float32)

    def read(context, target, maximum, device):
        for rows in (slice(0, 4), slice(4, None)):
            yield {"image": torch.from_numpy(images[rows])}, torch.tensor(LABELS[rows])

    monkeypatch.setattr(module, "first_samples", read)
    monkeypatch.setattr(module, "load_attacked", lambda context, folder, device: Linear(weights))
    return weights.astype(np.float64), images.astype(np.float64)


def context(folders=("seed-0",)):
    workflow, model = SimpleNamespace(accelerator="cpu"), SimpleNamespace(training=SimpleNamespace(threads=1))
    return SimpleNamespace(folders=folders, workflow=workflow, model=model)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


def test_the_first_image_of_each_class_is_changed_along_the_sign_of_the_known_gradient(drawn):
    weights, images = drawn
    found = attacked_images(context(), "label", Attacks(epsilons=[0.03, 0.2]))
    assert found is not None
    assert (found["row"], found["label"]) == ([1, 4, 0], [0, 1, 2])
    x = images[found["row"]].reshape(3, -1)
    np.testing.assert_allclose(np.array(found["image"]).reshape(3, -1), x, atol=5.1e-4)
    gradient = (softmax(x @ weights.T) - np.eye(N_CLASSES)[found["label"]]) @ weights  # of the cross entropy
    np.testing.assert_array_equal(np.array(found["fgsm"]["sign"]).reshape(3, -1), np.sign(gradient))
    assert found["epsilon"] == [0.0, 0.02, 0.03, *(round(0.02 * k, 6) for k in range(2, 11))]
    for kind in ("fgsm", "random"):
        sign = np.array(found[kind]["sign"]).reshape(3, -1)
        assert set(np.unique(sign)) == {-1, 1}
        for k, epsilon in enumerate(found["epsilon"]):
            expected = softmax(np.clip(x + epsilon * sign, 0, 1) @ weights.T)
            np.testing.assert_allclose(np.array(found[kind]["probabilities"])[:, k], expected, atol=1e-4)


def test_what_is_kept_repeats_and_leaves_the_random_numbers_of_others_alone(drawn):
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first, again = (attacked_images(context(), "label", Attacks(epsilons=[0.1])) for _ in range(2))
    assert first == again
    assert torch.equal(before, torch.get_rng_state())


def test_nothing_is_kept_without_networks_gradients_or_small_images(drawn, monkeypatch):
    settings = Attacks(epsilons=[0.1])
    assert attacked_images(context(()), "label", settings) is None
    monkeypatch.setattr(module, "PIXELS", 19)
    assert attacked_images(context(), "label", settings) is None
    monkeypatch.setattr(module, "load_attacked", lambda *_: None)
    assert attacked_images(context(), "label", settings) is None


@pytest.mark.parametrize(("most", "all_pixels", "expected"), [(24, 1000, 4), (2, 1000, 2), (24, 7, 2), (24, 1, 1)])
def test_predictions_of_the_first_images_are_kept_up_to_a_number_of_pixels(monkeypatch, most, all_pixels, expected):
    lengths = [3, 4, 1, 0, 2]
    offsets = np.cumsum([0, *lengths])
    column = SparseImages(np.arange(10, dtype=np.int32), np.arange(10.0, dtype=np.float32), offsets, (1, 4, 5))
    of_shards = [column.take(np.array([0, 1])), column.take(np.array([2, 3, 4]))]
    ids = [np.array([10, 11], np.uint64), np.array([12, 13, 14], np.uint64)]
    shards = [
        SimpleNamespace(group=lambda _, c=c: Group(c, ("y",), ("ke",)), read=lambda _, i=i: i)
        for c, i in zip(of_shards, ids, strict=True)
    ]
    manifest = SimpleNamespace(
        element_targets={"class": SimpleNamespace(group="image")}, groups={"image": SimpleNamespace(shape=(1, 4, 5))}
    )
    dataset = SimpleNamespace(manifest=manifest, open_shards=lambda split: iter(shards))
    logits = np.random.default_rng(1).normal(size=(10, 4)).astype(np.float32)

    def predict(_, group, images, shape):
        return [logits[image["value"].astype(int)] for image in images]

    monkeypatch.setattr(segmented, "_predict", predict)
    monkeypatch.setattr(segmented, "FIRST", most)
    monkeypatch.setattr(segmented, "ALL_PIXELS", all_pixels)
    found = segmented.predict_first(SimpleNamespace(folders=("a",), dataset=dataset), "class")
    assert [entry["id"] for entry in found] == ["10", "11", "12", "14"][:expected]  # the image 13 is empty
    for entry in found:
        k = int(entry["id"]) - 10
        own = softmax(logits[offsets[k] : offsets[k + 1]].astype(np.float64))
        assert entry["predicted"] == own.argmax(1).tolist()
        np.testing.assert_allclose(entry["percent"], 100 * own.max(1, initial=0), atol=0.51)
    assert segmented.predict_first(SimpleNamespace(folders=(), dataset=dataset), "class") == []
