"""Faster R-CNN as a whole: what it returns, what it learns from, and what it refuses."""

import pytest
import torch

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.models.architectures.faster_rcnn import FasterRCNN
from bevatron.models.detection.box_head import SCALE, detections, head_losses, sample_proposals
from bevatron.models.detection.boxes import encode, overlap
from bevatron.models.detection.proposals import RPNOutput, proposal_losses, proposals
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.network import Network, NetworkSpec

IMAGE = {"image": InputGroup((1, 40, 56), ("charge",))}
SMALL = {"channels": [4, 6], "context": [2], "anchor_sizes": [8.0, 16.0], "widths": [16], "proposals": 12}
TRUTH = torch.tensor(
    [[[0.1, 0.1, 0.4, 0.5, 0], [0.5, 0.4, 0.9, 0.9, 1]], [[0.3, 0.2, 0.6, 0.8, 1], [-1.0] * 5], [[-1.0] * 5] * 2]
)


def network(inputs=IMAGE, n_classes=2, **options):
    torch.manual_seed(1)
    return Network(NetworkSpec({"kind": "faster_rcnn", **SMALL, **options}, inputs, n_classes, "none")).eval()


def images(n=3):
    return {"image": torch.rand((n, 1, 40, 56), generator=torch.Generator().manual_seed(2))}


@pytest.fixture(scope="module")
def found():
    net = network(min_score=0.0, max_detections=9)
    torch.nn.init.normal_(net.architecture.head.classes.weight, std=0.3)
    with torch.no_grad():
        return net(images())


def test_detections_of_a_class_do_not_overlap_more_than_allowed(found):
    for image in found:
        for k in range(2):
            mine = image[image[:, 5] == k, :4]
            common = overlap(mine, mine) - torch.eye(len(mine))
            assert (common <= 0.5 + 1e-5).all()


def test_an_images_detections_and_losses_do_not_depend_on_its_batch(monkeypatch):
    net = network(min_score=0.0)
    with torch.no_grad():
        whole, losses = net(images()), net(images(), TRUTH)
        monkeypatch.setattr("bevatron.models.architectures.faster_rcnn.AT_ONCE", 1)  # one image after the other
        assert torch.allclose(net(images()), whole, atol=1e-5)
        assert torch.allclose(net(images(), TRUTH), losses, atol=1e-5)


def test_a_network_that_is_right_finds_the_boxes():
    """Objectness and deltas that say the truth lead to proposals, and those and a right head to detections."""
    arch = network().architecture
    sought = arch.proposals(arch.features(images(1)["image"]))
    sides = torch.tensor([56.0, 40.0, 56.0, 40.0])
    true = TRUTH[:1, :, :4] * sides
    common = overlap(sought.anchors, true[0])
    nearest, place = common.argmax(0), common.argmax(1)
    objectness = torch.full_like(sought.objectness, -8.0)
    objectness[0, nearest] = 8.0
    right = RPNOutput(objectness, encode(true[0][place], sought.anchors)[None], sought.anchors)
    boxes, there = proposals(right, 40, 56, 300, 12, 0.7)
    assert torch.allclose(boxes[0, :2].sort(0).values, true[0].sort(0).values, atol=1e-3)
    present = torch.ones((1, 2), dtype=torch.bool)
    losses = proposal_losses(right, true, present, 128, training=False)
    assert losses[1].item() == pytest.approx(0.0, abs=1e-9)

    truth_of = overlap(boxes[0, :2], true[0]).argmax(1)
    logits = torch.full((1, 12, 3), -9.0)
    logits[..., 2] = 9.0
    logits[0, torch.arange(2), TRUTH[0, truth_of, 4].long()] = 30.0
    found = detections(logits, torch.zeros(1, 12, 2, 4), boxes, there, (40, 56), 0.05, 0.5, 5)[0]
    assert found[:, 5].tolist()[2:] == [-1.0] * 3
    for row in found[:2]:
        assert torch.allclose(row[:4], TRUTH[0, int(row[5]), :4], atol=1e-4)
        assert row[4] > 0.99


def test_the_head_learns_the_class_and_the_shift_of_what_it_is_given():
    """True boxes are proposals too; with their classes and no shift the loss is zero, else the formula's."""
    sides = torch.tensor([56.0, 40.0, 56.0, 40.0])
    true, label = TRUTH[:1, :, :4] * sides, TRUTH[:1, :, 4].long()
    present = torch.ones((1, 2), dtype=torch.bool)
    far = torch.tensor([[[0.0, 36.0, 4.0, 40.0]]])
    learned = sample_proposals(far, present[:, :1], true, label, present, 8, 2, training=False)
    boxes, there, number, match = learned
    assert there.sum() == 3
    assert sorted(number[there].tolist()) == [0, 1, 2]
    logits = 40.0 * torch.nn.functional.one_hot(number, 3).float()
    deltas = torch.zeros(1, 8, 2, 4)
    entropy, distance = head_losses(logits, deltas, *learned)
    assert (entropy.item(), distance.item()) == pytest.approx((0.0, 0.0), abs=1e-6)
    shifted = boxes + torch.tensor([1.0, 0.0, 1.0, 0.0])
    entropy, distance = head_losses(torch.zeros(1, 8, 3), deltas, shifted, there, number, match)
    expected = sum(
        max(0.0, abs(d) - 0.5 / 9) if abs(d) > 1 / 9 else 4.5 * d**2
        for k in there[0].nonzero().flatten().tolist()
        if number[0, k] < 2
        for d in encode(match[0, k], shifted[0, k], SCALE).tolist()
    )
    assert entropy.item() == pytest.approx(torch.log(torch.tensor(3.0)).item())
    assert distance.item() == pytest.approx(expected / 3, rel=1e-4)


@pytest.mark.parametrize(
    ("inputs", "match"),
    [
        ({"image": InputGroup((1, 7, 56), ("charge",))}, r"'image' has 7 × 56 pixels; it must have 8 a side"),
        ({"tracks": InputGroup((5, 3), ("a", "b", "c"), is_ragged=True)}, "group 'tracks' of shape .* is no image"),
        ({"jet": InputGroup((4,), ("a", "b", "c", "d"))}, "group 'jet' of shape .* is no image"),
        ({**IMAGE, "other": InputGroup((1, 40, 56), ("charge",))}, "reads one group of images, found image"),
    ],
)
def test_what_is_no_image_is_refused(inputs, match):
    with pytest.raises(UserError, match=match) as caught:
        network(inputs)
    assert "\n" not in str(caught.value)


def test_it_is_for_detection_alone_and_says_why_it_is_no_onnx():
    assert ARCHITECTURES["faster_rcnn"] is FasterRCNN
    assert FasterRCNN.TASKS == ("detection",)
    assert FasterRCNN.NO_ONNX
