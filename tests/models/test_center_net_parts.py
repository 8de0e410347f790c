"""The parts of CenterNet against closed forms, and slow accounts of the same, written separately."""

import itertools
import math

import pytest
import torch

from bevatron.models.detection.centre_maps import centre_gaussians, centre_loss, place_loss
from bevatron.models.detection.generalised_overlap import generalised_overlap
from bevatron.models.detection.peaks import find_peaks
from bevatron.models.detection.pyramid import Pyramid

TRUTH = torch.tensor([[[4.0, 6.0, 44.0, 30.0], [30.0, 20.0, 54.0, 21.0]], [[10.0, 2.0, 20.0, 38.0], [0.0] * 4]])
PRESENT = torch.tensor([[True, True], [True, False]])
ROWS, COLUMNS, STRIDE = 10, 14, 4


def gaussians():
    return centre_gaussians(TRUTH, PRESENT, ROWS, COLUMNS, STRIDE)


@pytest.mark.parametrize("gap", [0.0, 0.5, 3.0])
def test_generalised_overlap_of_unit_squares_that_are_apart(gap):
    """Of the hull of 2 + d only 2 is covered, and nothing is common."""
    first, second = torch.tensor([0.0, 0.0, 1.0, 1.0]), torch.tensor([1 + gap, 0.0, 2 + gap, 1.0])
    assert generalised_overlap(first, second).item() == pytest.approx(-gap / (2 + gap))


def test_generalised_overlap_of_boxes_that_touch():
    outer = torch.tensor([0.0, 0.0, 4.0, 2.0])
    inner = torch.tensor([[0.0, 0.0, 4.0, 2.0], [1.0, 0.5, 2.0, 1.5], [0.0, 0.0, 2.0, 4.0]])
    corner = 4 / 12 - (16 - 12) / 16  # two bars crossed at a corner: the hull is 4 × 4
    assert generalised_overlap(outer, inner).tolist() == pytest.approx([1.0, 1 / 8, corner])


def test_generalised_overlap_is_a_matter_of_points():
    """Of points thrown at random into the hull: those in both over those in either, less those in neither."""
    rng = torch.Generator().manual_seed(3)
    corner = torch.rand((8, 2, 2), generator=rng)
    boxes = torch.cat([corner, corner + 0.2 + torch.rand((8, 2, 2), generator=rng)], 2)
    for first, second in boxes:
        low, high = torch.minimum(first, second)[:2], torch.maximum(first, second)[2:]
        points = low + torch.rand((50_000, 2), generator=rng) * (high - low)
        a, b = (((points > box[:2]) & (points < box[2:])).all(1) for box in (first, second))
        either = (a | b).float().mean()
        expected = (a & b).float().mean() / either - (1 - either)
        assert generalised_overlap(first, second).item() == pytest.approx(expected.item(), abs=0.02)


def test_gaussians_stand_on_the_centres_and_follow_both_sides():
    """0.54 / 6 of a side is the width; the height is 1 in the centre's own cell."""
    found = gaussians()
    assert found.shape == (2, 2, ROWS, COLUMNS)
    assert (found[1, 1] == 0).all()
    for image, box in ((0, 0), (1, 0)):
        x1, y1, x2, y2 = TRUTH[image, box].tolist()
        column, row = int((x1 + x2) / 2 // STRIDE), int((y1 + y2) / 2 // STRIDE)
        sx, sy = (max(0.54 / 6 * side / STRIDE, 0.2) for side in (x2 - x1, y2 - y1))
        for y, x in itertools.product(range(ROWS), range(COLUMNS)):
            expected = math.exp(-((x - column) ** 2) / (2 * sx**2) - (y - row) ** 2 / (2 * sy**2))
            assert found[image, box, y, x].item() == pytest.approx(expected, abs=1e-6)


def test_a_thin_box_and_one_at_the_edge_have_a_cell():
    edge = torch.tensor([[[50.0, 36.0, 56.0, 40.0], [52.0, 0.0, 60.0, 0.5]]])
    found = centre_gaussians(edge, torch.ones((1, 2), dtype=torch.bool), ROWS, COLUMNS, STRIDE)
    assert found[0].amax((1, 2)).tolist() == [1.0, 1.0]
    assert found[0, 1, 1].max() < 1e-5


def test_centre_loss_is_the_formula():
    logits = torch.randn((2, 3, ROWS, COLUMNS), generator=torch.Generator().manual_seed(4))
    label = torch.tensor([[2, 2], [0, 1]])
    near = gaussians()
    found = centre_loss(logits, near, label, PRESENT)
    for image in range(2):
        expected = 0.0
        for k, row, column in itertools.product(range(3), range(ROWS), range(COLUMNS)):
            of_class = [near[image, j, row, column].item() for j in range(2) if label[image, j] == k]
            y, p = max(of_class, default=0.0), 1 / (1 + math.exp(-logits[image, k, row, column].item()))
            expected -= (1 - p) ** 2 * math.log(p) if y == 1 else (1 - y) ** 4 * p**2 * math.log(1 - p)
        assert found[image].item() == pytest.approx(expected / PRESENT[image].sum().item(), rel=1e-4)


def test_centre_loss_of_what_is_sure_and_right_is_nothing():
    near, label = gaussians(), torch.zeros((2, 2), dtype=torch.long)
    sure = torch.where(near.amax(1, keepdim=True) == 1, 30.0, -30.0)
    assert centre_loss(sure, near, label, PRESENT).tolist() == pytest.approx([0.0, 0.0], abs=1e-6)
    assert (centre_loss(-sure, near, label, PRESENT) > 10).all()
    wild = torch.full_like(sure, 200.0)
    assert torch.isfinite(centre_loss(wild, near, label, PRESENT)).all()


def test_place_loss_of_right_boxes_is_nothing_and_else_one_less_the_overlap():
    near = gaussians()
    owner = near.flatten(2).argmax(1)
    right = TRUTH.gather(1, owner.unsqueeze(2).expand(-1, -1, 4))
    right = torch.where((right[..., 2:] > right[..., :2]).all(2, keepdim=True), right, 1.0)
    assert place_loss(right, near, TRUTH, PRESENT).tolist() == pytest.approx([0.0, 0.0], abs=1e-6)
    everywhere = torch.tensor([0.0, 0.0, 56.0, 40.0]).expand(2, ROWS * COLUMNS, 4)
    expected = [1 - (960 + 24) / 2 / 2240, 1 - 360 / 2240]  # true boxes lie in it, and count alike whatever their size
    assert place_loss(everywhere, near, TRUTH, PRESENT).tolist() == pytest.approx(expected, rel=1e-5)


def test_place_loss_weighs_cells_by_their_gaussian():
    near = gaussians()[1:]
    right = TRUTH[1, 0].expand(1, ROWS * COLUMNS, 4)
    wrong = right + torch.tensor([5.0, 0.0, 5.0, 0.0])  # half a width off: the overlap is a third
    changed = torch.zeros(ROWS * COLUMNS, dtype=torch.bool)
    changed[near[0, 0].flatten().argmax()] = True
    boxes = torch.where(changed[:, None], wrong, right)
    fraction = 1 / near[0, 0].sum().item()
    found = place_loss(boxes, near, TRUTH[1:], PRESENT[1:])
    assert found.item() == pytest.approx(fraction * (1 - 1 / 3), rel=1e-4)


def test_no_true_box_leaves_the_centres_to_be_learned():
    nothing = torch.zeros((1, 2), dtype=torch.bool)
    near = centre_gaussians(torch.zeros(1, 2, 4), nothing, ROWS, COLUMNS, STRIDE)
    logits = torch.zeros(1, 2, ROWS, COLUMNS, requires_grad=True)
    loss = centre_loss(logits, near, torch.zeros((1, 2), dtype=torch.long), nothing)
    assert loss.item() == pytest.approx(2 * ROWS * COLUMNS * 0.25 * math.log(2), rel=1e-5)
    boxes = torch.rand(1, ROWS * COLUMNS, 4, requires_grad=True)
    assert place_loss(boxes, near, torch.zeros(1, 2, 4), nothing).item() == 0.0


def slow_peaks(logits, boxes, size, min_score, maximum):
    """One cell after the other."""
    (height, width), (n_classes, rows, columns) = size, logits.shape
    score = torch.sigmoid(logits)
    rows_found = []
    for k, row, column in itertools.product(range(n_classes), range(rows), range(columns)):
        around = score[k, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        here = score[k, row, column]
        x1, y1, x2, y2 = boxes[row * columns + column].tolist()
        x1, x2, y1, y2 = max(x1, 0), min(x2, width), max(y1, 0), min(y2, height)
        if here >= around.max() and here >= min_score and x2 - x1 > 1e-3 and y2 - y1 > 1e-3:
            rows_found.append([x1 / width, y1 / height, x2 / width, y2 / height, here.item(), k])
    found = sorted(rows_found, key=lambda row: -row[4])[:maximum]
    return torch.tensor(found + [[0.0] * 5 + [-1.0]] * (maximum - len(found)))


def test_peaks_are_those_of_the_slow_account():
    rng = torch.Generator().manual_seed(5)
    logits = torch.randn((3, 2, 6, 7), generator=rng) - 1
    corner = torch.rand((3, 42, 2), generator=rng) * 30 - 3
    boxes = torch.cat([corner, corner + 1 + torch.rand((3, 42, 2), generator=rng) * 20], 2)
    for min_score, maximum in ((0.05, 20), (0.4, 20), (0.0, 4)):
        found = find_peaks(logits, boxes, (24, 28), min_score, maximum)
        assert found.shape == (3, maximum, 6)
        for image in range(3):
            expected = slow_peaks(logits[image], boxes[image], (24, 28), min_score, maximum)
            assert torch.allclose(found[image], expected)


def test_an_image_of_few_cells_has_few_detections():
    found = find_peaks(torch.zeros(1, 1, 1, 2), torch.tensor([[[0.0, 0, 4, 4], [4, 0, 8, 4]]]), (4, 8), 0.05, 5)
    assert found[0, :, 5].tolist() == [0.0, 0.0, -1.0, -1.0, -1.0]


@pytest.mark.parametrize("shape", [(64, 96), (37, 51), (1, 5)])
def test_a_pyramid_keeps_places_and_sees_far(shape):
    torch.manual_seed(2)
    pyramid = Pyramid(1, [4, 6, 8, 10, 12], convolutions=1, level=2, width=5).eval()
    image = torch.rand((1, 1, *shape), requires_grad=True)
    features = pyramid(image)
    assert features.shape == (1, 5, -(-shape[0] // 4), -(-shape[1] // 4))
    features[0, :, -1, -1].sum().backward()
    assert image.grad[0, 0, -1].abs().sum() > 0
    assert image.grad[0, 0, 0, 0].abs() > 0 or max(shape) > 90


def test_a_pyramid_has_the_weights_of_its_layers():
    channels, width = [4, 6, 8], 5
    pyramid = Pyramid(2, channels, convolutions=2, level=2, width=width)

    def convolution(before, after):
        return 9 * before * after + 2 * after  # with scale and shift of the batch normalisation

    expected = convolution(2, 4) + convolution(4, 6) + convolution(6, 8) + 2 * (convolution(6, 6) + convolution(8, 8))
    expected += (6 + 1) * width + (8 + 1) * width
    assert sum(weights.numel() for weights in pyramid.parameters()) == expected
