"""CenterNet as a whole: what it learns from, and what it refuses; beside `test_detectors`."""

import pytest
import torch

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.models.architectures.center_net import CenterNet
from bevatron.models.detection.anchors import anchors
from bevatron.models.detection.boxes import decode, encode
from bevatron.models.detection.peaks import find_peaks
from bevatron.models.layers.inputs import InputGroup
from bevatron.models.network import Network, NetworkSpec

IMAGE = {"image": InputGroup((1, 41, 56), ("charge",))}
SMALL = {"channels": [4, 6, 8], "width": 8}
TRUTH = torch.tensor(
    [[[0.1, 0.1, 0.4, 0.5, 0], [0.5, 0.4, 0.9, 0.9, 1]], [[0.3, 0.2, 0.6, 0.8, 1], [-1.0] * 5], [[-1.0] * 5] * 2]
)


def network(inputs=IMAGE, n_classes=2, **options):
    torch.manual_seed(1)
    return Network(NetworkSpec({"kind": "center_net", **SMALL, **options}, inputs, n_classes, "none")).eval()


def images(n=3):
    return {"image": torch.rand((n, 1, 41, 56), generator=torch.Generator().manual_seed(2))}


def test_maps_that_are_right_give_the_true_boxes():
    """Of boxes with and without the middle of a cell in them, also one thinner than a cell."""
    true = torch.tensor([[5.0, 4.0, 23.0, 20.0], [28.0, 30.1, 50.0, 30.9]])
    squares = anchors([24.0], [1.0], 11, 14, 4, torch.device("cpu"))
    boxes, logits = squares.clone(), torch.full((1, 2, 11, 14), -9.0)
    middle = (true[:, :2] + true[:, 2:]) / 8
    for k, (column, row) in enumerate(middle.long().tolist()):
        cell = row * 14 + column
        boxes[cell] = decode(encode(true[k], squares[cell]), squares[cell])
        logits[0, k, row, column] = 9.0 - k
    found = find_peaks(logits, boxes[None], (41, 56), 0.05, 4)[0]
    assert found[:, 5].tolist() == [0.0, 1.0, -1.0, -1.0]
    assert torch.allclose(found[:2, :4], true / torch.tensor([56.0, 41.0, 56.0, 41.0]), atol=1e-5)


def test_it_learns_one_image_by_heart():
    torch.manual_seed(3)
    net = network(channels=[8, 16, 16], width=16).train()
    optimiser = torch.optim.Adam(net.parameters(), 0.01)
    pictures = {"image": images(2)["image"] * 0.1}
    for k, row in enumerate(TRUTH[:2]):
        for x1, y1, x2, y2, label in row[row[:, 4] >= 0].tolist():
            pictures["image"][k, 0, int(y1 * 41) : int(y2 * 41), int(x1 * 56) : int(x2 * 56)] = 1 + label
    first = net(pictures, TRUTH[:2]).sum().item()
    for _ in range(25):
        optimiser.zero_grad()
        loss = net(pictures, TRUTH[:2]).sum()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.5 * first


@pytest.mark.parametrize(
    ("inputs", "options", "match"),
    [
        ({"jet": InputGroup((4,), ("a", "b", "c", "d"))}, {}, "group 'jet' of shape .* is no image"),
        ({**IMAGE, "other": InputGroup((1, 40, 56), ("charge",))}, {}, "images of unequal size"),
        (IMAGE, {"level": 4}, "level 4 of 3 levels; name more `channels`"),
    ],
)
def test_what_cannot_be_read_is_refused(inputs, options, match):
    with pytest.raises(UserError, match=match) as caught:
        network(inputs, **options)
    assert "\n" not in str(caught.value)


def test_it_is_for_detection_alone_and_has_as_many_weights_as_stated():
    assert ARCHITECTURES["center_net"] is CenterNet
    assert CenterNet.TASKS == ("detection",)
    plain = Network(NetworkSpec({"kind": "center_net"}, IMAGE, 1, "none"))
    assert plain.n_weights == 524_917
