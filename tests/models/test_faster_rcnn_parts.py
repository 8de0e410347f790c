"""The parts of Faster R-CNN against slow accounts of the same, written separately, and closed forms."""

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from bevatron.models.detection.anchors import anchors
from bevatron.models.detection.box_samples import assign_truth, best_of_each, draw_priorities, sample_boxes
from bevatron.models.detection.boxes import area, clip, decode, encode, overlap
from bevatron.models.detection.nms import nms
from bevatron.models.detection.proposals import take_first
from bevatron.models.detection.roi_align import roi_align


def boxes(seed, *shape, size=60.0):
    rng = torch.Generator().manual_seed(seed)
    corner = torch.rand((*shape, 2), generator=rng) * size
    return torch.cat([corner, corner + 1 + torch.rand((*shape, 2), generator=rng) * size / 2], -1)


def test_overlaps_of_known_boxes():
    unit = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    others = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.5, 0.0, 1.5, 1.0], [0.0, 0.0, 0.5, 0.5], [1.0, 0.0, 2.0, 1.0]])
    assert overlap(unit, others).tolist()[0] == pytest.approx([1.0, 1 / 3, 1 / 4, 0.0])
    assert overlap(torch.zeros(1, 4), torch.zeros(1, 4)).item() == 0.0  # padding: no division by zero


def test_overlaps_are_shares_of_points():
    """Of points thrown at random, the fraction in both boxes over that in either."""
    first_box, second = boxes(1, 1)[0], boxes(2, 1)[0] * 0.2 + boxes(1, 1)[0] * 0.8
    points = torch.rand((400_000, 2), generator=torch.Generator().manual_seed(3)) * 100

    def inside(box):
        return ((points > box[:2]) & (points < box[2:])).all(1)

    a, b = inside(first_box), inside(second)
    expected = (a & b).sum() / (a | b).sum()
    assert overlap(first_box[None], second[None]).item() == pytest.approx(expected.item(), abs=0.02)


@pytest.mark.parametrize("scale", [(1.0, 1.0, 1.0, 1.0), (0.1, 0.1, 0.2, 0.2)])
def test_decoding_undoes_encoding(scale):
    true, references = boxes(4, 500), boxes(5, 500)
    assert torch.allclose(decode(encode(true, references, scale), references, scale), true, atol=1e-3)


def test_deltas_are_those_of_the_paper():
    """A box shifted by half a width and a quarter of a height, twice as wide and half as high (eq. 2)."""
    reference, box = torch.tensor([10.0, 10.0, 30.0, 50.0]), torch.tensor([10.0, 30.0, 50.0, 50.0])
    assert encode(box, reference).tolist() == pytest.approx([0.5, 0.25, np.log(2), np.log(0.5)])


def test_a_wild_delta_gives_a_finite_box():
    assert torch.isfinite(decode(torch.full((1, 4), 1e4), torch.tensor([[0.0, 0.0, 8.0, 8.0]]))).all()


def test_clipped_boxes_lie_in_the_image():
    clipped = clip(torch.tensor([[-5.0, 3.0, 70.0, 90.0]]), 40, 60)
    assert clipped.tolist() == [[0.0, 3.0, 60.0, 40.0]]


def test_anchors_have_their_area_ratio_and_centre():
    sizes, ratios, stride = [8.0, 32.0], [0.5, 1.0, 2.0], 4
    found = anchors(sizes, ratios, 3, 5, stride, torch.device("cpu"))
    assert found.shape == (3 * 5 * 6, 4)
    grid = found.view(3, 5, 6, 4)
    wanted = torch.tensor([size**2 for size in sizes for _ in ratios])
    assert torch.allclose(area(grid), wanted.expand(3, 5, 6))
    shape = (grid[..., 3] - grid[..., 1]) / (grid[..., 2] - grid[..., 0])
    assert torch.allclose(shape, torch.tensor(ratios * 2).expand(3, 5, 6))
    centre = (grid[..., :2] + grid[..., 2:]) / 2
    assert torch.allclose(centre[1, 3], torch.tensor([3.5 * stride, 1.5 * stride]).expand(6, 2))


def slow_suppression(boxes, present, threshold, groups):
    """The greedy account, one box after the other."""
    kept = []
    for i in range(len(boxes)):
        if present[i] and all(
            groups[i] != groups[j] or overlap(boxes[i : i + 1], boxes[j : j + 1]).item() <= threshold for j in kept
        ):
            kept.append(i)
    return kept


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7])
def test_suppression_keeps_what_the_greedy_account_keeps(threshold):
    many = boxes(6, 3, 60, size=20.0)
    rng = torch.Generator().manual_seed(7)
    present = torch.rand((3, 60), generator=rng) < 0.9
    groups = torch.randint(0, 3, (3, 60), generator=rng)
    for by in (groups, torch.zeros_like(groups)):
        kept = nms(many, present, threshold, by)
        for image in range(3):
            expected = slow_suppression(many[image], present[image], threshold, by[image])
            assert kept[image].nonzero().flatten().tolist() == expected
    assert torch.equal(nms(many, present, threshold), kept)  # no groups: all in one


def test_a_chain_of_boxes_keeps_every_other_one():
    """Each overlaps its neighbours alone: the second goes, so the third stays; it takes as many rounds as boxes."""
    x = torch.arange(30.0) * 4
    chain = torch.stack([x, torch.zeros(30), x + 10, torch.full((30,), 10.0)], 1)[None]
    kept = nms(chain, torch.ones((1, 30), dtype=torch.bool), 0.4)
    assert kept[0].nonzero().flatten().tolist() == list(range(0, 30, 2))


@pytest.mark.parametrize(("size", "points"), [(7, 2), (3, 1), (2, 4)])
def test_roi_align_is_the_mean_of_interpolated_places(size, points):
    features = torch.randn((2, 3, 9, 13), generator=torch.Generator().manual_seed(8))
    rois = clip(boxes(9, 2, 5, size=9.0), 9, 13)
    pooled = roi_align(features, rois, size, points)
    assert pooled.shape == (2, 5, 3, size, size)
    for image in range(2):
        for k, (x1, y1, x2, y2) in enumerate(rois[image].tolist()):
            steps = (np.arange(size * points) + 0.5) / (size * points)
            y, x = np.meshgrid(y1 + steps * (y2 - y1) - 0.5, x1 + steps * (x2 - x1) - 0.5, indexing="ij")
            for channel in range(3):
                read = map_coordinates(features[image, channel].double().numpy(), [y, x], order=1, mode="nearest")
                means = read.reshape(size, points, size, points).mean((1, 3))
                assert np.allclose(pooled[image, k, channel], means, atol=1e-5)


def test_roi_align_of_a_plane_is_the_plane_at_the_parts_centres():
    y, x = torch.meshgrid(torch.arange(12.0) + 0.5, torch.arange(16.0) + 0.5, indexing="ij")
    pooled = roi_align((2 * x - 3 * y)[None, None], torch.tensor([[[2.0, 3.0, 10.0, 9.0]]]), 4, 3)
    columns, rows = 2 + 8 * (torch.arange(4) + 0.5) / 4, 3 + 6 * (torch.arange(4) + 0.5) / 4
    assert torch.allclose(pooled[0, 0, 0], 2 * columns - 3 * rows[:, None], atol=1e-4)


def test_roi_aligns_gradient_is_that_of_finite_differences():
    features = torch.randn((1, 2, 5, 6), dtype=torch.float32, generator=torch.Generator().manual_seed(1))
    rois, weights = torch.tensor([[[0.7, 0.4, 4.1, 4.8], [2.0, 1.0, 5.5, 3.0]]]), torch.randn(1, 2, 2, 2, 2)
    features.requires_grad_()
    (roi_align(features, rois, 2, 2) * weights).sum().backward()
    for place in [(0, 0, 1, 1), (0, 1, 3, 4), (0, 0, 2, 3)]:
        shift = torch.zeros(1, 2, 5, 6)
        shift[place] = 1.0  # it is linear: any step gives the exact derivative
        with torch.no_grad():
            expected = ((roi_align(features + shift, rois, 2, 2) - roi_align(features, rois, 2, 2)) * weights).sum()
        assert features.grad[place].item() == pytest.approx(expected.item(), abs=1e-4)


def test_boxes_are_assigned_to_the_truth_they_overlap_most_and_each_truth_has_one():
    truth = torch.tensor([[[0.0, 0, 10, 10], [20.0, 20, 60, 60], [0.0, 0, 0, 0]]])
    present = torch.tensor([[True, True, False]])
    some = torch.tensor([[0.0, 0, 10, 8], [18.0, 18, 40, 40], [20.0, 20, 30, 30], [80.0, 80, 90, 90]])
    common = overlap(some, truth)
    place, best = assign_truth(common, present)
    assert place[0, :3].tolist() == [0, 1, 1]
    assert best[0].tolist() == pytest.approx([0.8, 400 / 1684, 100 / 1600, 0.0])
    assert best_of_each(common, present)[0].tolist() == [True, True, False, False]


def test_drawn_boxes_are_of_their_kind_and_no_more_than_asked_for():
    rng = torch.Generator().manual_seed(2)
    positive = torch.rand((50, 200), generator=rng) < torch.linspace(0, 0.5, 50)[:, None]
    negative = ~positive & (torch.rand((50, 200), generator=rng) < torch.linspace(1, 0.05, 50)[:, None])
    chosen = sample_boxes(positive, negative, 64, 0.25, draw_priorities(200, 50, positive.device, training=False))
    n_positive = (chosen & positive).sum(1)
    assert not (chosen & ~positive & ~negative).any()
    assert torch.equal(n_positive, positive.sum(1).clamp(max=16))
    assert torch.equal((chosen & negative).sum(1), torch.minimum(negative.sum(1), 64 - n_positive))


def test_training_draws_follow_the_seed_and_validation_draws_nothing():
    device = torch.device("cpu")
    torch.manual_seed(5)
    one = draw_priorities(100, 3, device, training=True)
    state = torch.get_rng_state()
    fixed = draw_priorities(100, 3, device, training=False)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    assert torch.equal(draw_priorities(100, 3, device, training=True), one)
    assert not torch.equal(one[0], one[1])
    assert torch.equal(fixed[0], fixed[1])
    assert torch.equal(fixed[:2], draw_priorities(100, 2, device, training=False))


def test_the_first_of_those_present_move_to_the_front():
    rows = torch.arange(1.0, 6.0).view(1, 5, 1).expand(1, 5, 4)
    present = torch.tensor([[False, True, True, False, True]])
    moved, there = take_first(rows, present, 2)
    assert moved[0, :, 0].tolist() == [2.0, 3.0]
    moved, there = take_first(rows, present, 7)
    assert moved[0, :, 0].tolist() == [2.0, 3.0, 5.0, 0.0, 0.0, 0.0, 0.0]
    assert there[0].tolist() == [True] * 3 + [False] * 4
