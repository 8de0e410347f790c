"""Coloured shapes: what each class is, what grey images lose, and what changes with the class alone."""

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.metrics import roc_auc_score

from bevatron.prepare.recipes.images import LUMA as LUMA_OF_RECIPE
from bevatron.prepare.recipes.images import Images
from bevatron.simulate.shapes.classes import CLASSES, LUMA, chroma, hue, pairs_by
from bevatron.simulate.shapes.drawing import draw_shapes, object_masks
from bevatron.simulate.shapes.nuisances import draw_nuisances
from bevatron.simulate.shapes.outlines import OUTLINES
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sources.shapes import MOST_NOISE, Shapes

NAMES = list(CLASSES)
N = 60


def simulated(seed="1", **options):
    return Shapes().simulate(Shapes.Options(kind="shapes", **options), 0, ShardSeed.of(seed, 0))[0]


def grey(images):
    return np.tensordot(images, LUMA, axes=(1, 0))


@pytest.fixture(scope="module")
def nuisances():
    return draw_nuisances(N, 3, np.random.default_rng(3))


@pytest.fixture(scope="module")
def of_class(nuisances):
    """Each class with the same nuisances and no noise: (class, image, 3, 32, 32)."""
    return np.stack([draw_shapes(np.full(N, k), nuisances, 0.0) for k in range(len(NAMES))]).astype(np.float64)


@pytest.mark.parametrize("name", OUTLINES)
def test_all_shapes_have_the_area_one(name):
    """Area within r(φ): ½ ∫ r² dφ."""
    angle = np.linspace(0, 2 * np.pi, 200_001)
    assert np.trapezoid(OUTLINES[name](angle) ** 2 / 2, angle) == pytest.approx(1.0, abs=1e-6)


def test_outlines_have_their_corners():
    """The circumradius of a square of area 1 is √½, of an equilateral triangle √(4 / 3√3)."""
    assert OUTLINES["square"](np.array([0.0]))[0] == pytest.approx(np.sqrt(0.5))
    assert OUTLINES["triangle"](np.array([0.0]))[0] == pytest.approx(np.sqrt(4 / (3 * np.sqrt(3))))
    tips = OUTLINES["star"](np.arange(10) * np.pi / 5)
    np.testing.assert_allclose(tips[1::2] / tips[::2], 0.45)


def test_the_drawn_area_is_the_size_s_square(nuisances):
    inside = np.all(np.abs(nuisances.centre - 15.5) < 2, axis=1) & (nuisances.size < 13)
    for k in range(len(NAMES)):
        area = object_masks(np.full(N, k), nuisances).sum((1, 2))[inside]
        np.testing.assert_allclose(area / nuisances.size[inside] ** 2, 1.0, atol=0.04)


def test_chroma_leaves_the_brightness_as_it_is():
    vectors = chroma(np.linspace(0, 2 * np.pi, 50))
    np.testing.assert_allclose(vectors @ LUMA, 0.0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0)
    np.testing.assert_allclose(LUMA, LUMA_OF_RECIPE, atol=1e-7)
    for colour in range(3):  # the largest part of each hue is its own colour
        assert chroma(np.array(hue(colour))).argmax() == colour


def test_pairs_of_classes_differ_in_one_part():
    assert len(pairs_by("colour")) == 3
    assert ("red_disc", "green_disc") in pairs_by("colour")
    assert ("red_square", "red_striped_square") in pairs_by("texture")
    assert ("blue_triangle", "blue_star") in pairs_by("shape")
    assert len(set(CLASSES.values())) == 10


def test_grey_images_of_classes_of_other_colour_are_the_same(of_class):
    for a, b in pairs_by("colour"):
        first, second = of_class[NAMES.index(a)], of_class[NAMES.index(b)]
        np.testing.assert_allclose(grey(first), grey(second), atol=1e-6)
        assert np.abs(first - second).max((1, 2, 3)).min() > 0.03  # which colours tell apart in every image


@pytest.mark.parametrize("part", ["shape", "texture"])
def test_grey_images_of_other_shape_or_texture_differ(of_class, part):
    for a, b in pairs_by(part):
        difference = np.abs(grey(of_class[NAMES.index(a)]) - grey(of_class[NAMES.index(b)]))
        assert difference.max((1, 2)).min() > 0.01


def test_an_oracle_that_knows_all_but_the_class_finds_it(nuisances, of_class):
    """The class of the least squared distance: of all noisy images right, of grey ones in 7 of 10 cases, as three pairs
    are alike there.
    """
    labels = np.arange(N) % 10
    noisy = draw_shapes(labels, nuisances, 0.02)
    distance = ((of_class - noisy) ** 2).sum((2, 3, 4))
    assert (distance.argmin(0) == labels).mean() == 1.0
    in_grey = ((grey(of_class.reshape(-1, 3, 32, 32)).reshape(10, N, 32, 32) - grey(noisy)) ** 2).sum((2, 3))
    shared = (in_grey < in_grey.min(0) + 1e-5).sum(0)  # classes that fit equally well, of which one is guessed
    assert (in_grey[labels, np.arange(N)] < in_grey.min(0) + 1e-5).all()
    assert (1 / shared).mean() == pytest.approx(0.7)


def test_mean_colours_tell_colour_pairs_apart_and_mean_grey_does_not():
    samples = simulated(events=1500)
    images, labels = samples.inputs["image"].column.values.astype(np.float64), samples.targets["label"]
    rows = labels < 2  # red and green disc
    redness = (images[:, 0] - images[:, 1]).mean((1, 2))[rows]
    assert roc_auc_score(labels[rows] == 0, redness) > 0.6
    brightness = grey(images)
    for number in (brightness.mean((1, 2)), brightness.std((1, 2))):
        assert roc_auc_score(labels[rows] == 0, number[rows]) == pytest.approx(0.5, abs=0.08)  # 3 σ of 200 and 200


def test_no_pixel_is_cut_at_the_largest_noise():
    """Worst case of all ranges: below 1 and above 0, so that grey images stay free of the colour."""
    from bevatron.simulate.shapes import nuisances as n

    every = chroma(np.linspace(0, 2 * np.pi, 1000))
    chroma_most = n.SATURATION[1] + n.WHITE_BALANCE
    noise = n.NOISE_CUT * MOST_NOISE
    light = np.sqrt(2) * n.GRADIENT  # in a corner
    low = n.DARK[0] * (1 - n.RELIEF) * (1 - light) * (1 + chroma_most * every.min())
    high = n.BRIGHT[1] * (1 + n.RELIEF) * (1 + light) * (1 + chroma_most * every.max())
    assert low > noise
    assert high < 1 - noise
    images = simulated(events=300, noise=MOST_NOISE, clutter=10).inputs["image"].column.values
    assert 0 < images.min() < images.max() < 1


def test_classes_are_equally_frequent_and_a_shard_follows_from_its_seed():
    one, again, other = (simulated(seed, events=50) for seed in ("1", "1", "2"))
    assert np.bincount(one.targets["label"]).tolist() == [5] * 10
    assert np.array_equal(one.inputs["image"].column.values, again.inputs["image"].column.values)
    assert not np.array_equal(one.inputs["image"].column.values, other.inputs["image"].column.values)
    assert one.inputs["image"].column.values.dtype == np.float32


def test_the_recipe_makes_the_grey_images():
    samples = simulated(events=20)
    made = Images().prepare(
        Images.Options.model_validate({"kind": "images", "versions": {"grey": {"grey": True}}}),
        samples, 0, np.ones(20, bool),
    )  # fmt: skip
    np.testing.assert_allclose(
        made.inputs["grey"].column.values[:, 0], grey(samples.inputs["image"].column.values), atol=1e-6
    )


def test_noise_that_would_be_cut_is_refused():
    with pytest.raises(ValidationError, match="noise"):
        Shapes.Options(kind="shapes", noise=0.1)
