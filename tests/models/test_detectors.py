"""What all detectors share: detections are boxes, losses are those of each image, and nothing is no error."""

import pytest
import torch

from bevatron.models.layers.inputs import InputGroup
from bevatron.models.network import Network, NetworkSpec

IMAGE = {"image": InputGroup((1, 41, 56), ("charge",))}
TRUTH = torch.tensor(
    [[[0.1, 0.1, 0.4, 0.5, 0], [0.5, 0.4, 0.9, 0.9, 1]], [[0.3, 0.2, 0.6, 0.8, 1], [-1.0] * 5], [[-1.0] * 5] * 2]
)
SMALL = {
    "center_net": {"channels": [4, 6, 8], "width": 8},
    "faster_rcnn": {
        "channels": [4, 6], "context": [2], "anchor_sizes": [8.0, 16.0], "widths": [16], "proposals": 12,
    },
}  # fmt: skip
BOX_LOSSES = {"center_net": [1], "faster_rcnn": [1, 3]}  # which of the losses are those of boxes


@pytest.fixture(params=list(SMALL))
def kind(request):
    return request.param


def network(kind, **options):
    torch.manual_seed(1)
    return Network(NetworkSpec({"kind": kind, **SMALL[kind], **options}, IMAGE, 2, "none")).eval()


def images(n=3):
    return {"image": torch.rand((n, 1, 41, 56), generator=torch.Generator().manual_seed(2))}


def test_detections_are_boxes_in_the_image_best_first(kind):
    net = network(kind, min_score=0.3, max_detections=9)
    last = net.architecture.centres if kind == "center_net" else net.architecture.head.classes
    torch.nn.init.normal_(last.weight, std=1.0)  # sure of much
    torch.nn.init.zeros_(last.bias)
    with torch.no_grad():
        found = net(images())
    assert found.shape == (3, 9, 6)
    there = found[..., 5] >= 0
    assert there.any()
    boxes, score = found[..., :4], found[..., 4]
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[there][:, 2:] > boxes[there][:, :2]).all()
    assert (score[there] >= 0.3).all()
    assert (score.diff() <= 0).all()
    assert set(found[..., 5].unique().tolist()) <= {-1.0, 0.0, 1.0}
    assert (found[~there] == torch.tensor([0.0, 0.0, 0.0, 0.0, 0.0, -1.0])).all()


def test_an_images_detections_and_losses_do_not_depend_on_its_batch(kind):
    net = network(kind, min_score=0.0)
    with torch.no_grad():
        whole, losses = net(images()), net(images(), TRUTH)
        for k in range(3):
            one = {"image": images()["image"][k : k + 1]}
            assert torch.allclose(net(one), whole[k : k + 1], atol=1e-5)
            assert torch.allclose(net(one, TRUTH[k : k + 1]), losses[k : k + 1], atol=1e-5)


def test_losses_are_those_of_each_image_and_reach_all_weights(kind):
    net = network(kind)
    losses = net(images(), TRUTH)
    assert losses.shape == (3, 2 * len(BOX_LOSSES[kind]))
    assert (losses[:2] > 0).all()
    assert (losses[2, BOX_LOSSES[kind]] == 0).all()  # nothing there: no box to be drawn
    losses.sum().backward()
    assert all(weights.grad is not None and torch.isfinite(weights.grad).all() for weights in net.parameters())


def test_no_image_at_all_has_a_loss_of_nothing(kind):
    """A worker of a team may get none of a small batch."""
    net = network(kind)
    nothing = {"image": torch.zeros(0, 1, 41, 56)}
    losses = net(nothing, TRUTH[:0])
    assert losses.shape == (0, 2 * len(BOX_LOSSES[kind]))
    losses.sum().backward()
    assert net(nothing).shape[0] == 0


def test_empty_images_and_no_true_boxes_are_taken(kind):
    net = network(kind)
    blank = {"image": torch.zeros(2, 1, 41, 56)}
    assert torch.isfinite(net(blank, torch.full((2, 2, 5), -1.0))).all()
    with torch.no_grad():
        assert torch.isfinite(net(blank)).all()
