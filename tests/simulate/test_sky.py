"""Galaxies and stars: their light, their shapes and their noise."""

import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.errors import UserError
from bevatron.prepare.recipes.sky import SkyImages
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sky import ImageView, draw_galaxies, draw_stars, smooth_parameters
from bevatron.simulate.sources.sky import Sky


def simulated(seed=1, **options):
    return Sky().simulate(Sky.Options(kind="sky", events=60, **options), 0, ShardSeed.of(str(seed), 0))[0]


@pytest.fixture(scope="module")
def sky():
    return simulated()


def test_light_is_conserved(sky):
    for name, column in (("galaxy", 3), ("star", 1)):
        fraction = sky.targets[name].sum((1, 2, 3)) / sky.targets[f"{name}_parameters"][:, column]
        assert fraction.max() <= 1.001
        assert fraction.min() > 0.96  # the rest lies outside of the image


def test_second_moments_give_the_ellipticity_back():
    """Without seeing an ellipse's quadrupole is its distortion: (Qxx - Qyy) / (Qxx + Qyy) = e1, 2 Qxy / (...) = e2."""
    drawn = np.array([[2.0, 1.0, angle, 100.0] for angle in (0.0, 0.5, 1.2, 2.5)])
    view = ImageView(128, 0.25, 0.1)
    images = draw_galaxies(drawn, "exponential", np.ones(4), view).astype(float)
    x, y = np.meshgrid(np.arange(128) - 63.5, np.arange(128) - 63.5)
    found = []
    for p in images:
        xx, yy, xy = (float((p * q).sum() / p.sum()) for q in (x * x, y * y, x * y))
        found.append([(xx - yy) / (xx + yy), 2 * xy / (xx + yy)])
    np.testing.assert_allclose(found, smooth_parameters(drawn)[:, :2], atol=0.02)


def test_half_of_a_star_s_light_lies_within_its_radius():
    image = draw_stars(np.array([[2.0, 50.0]]), ImageView(255, 0.1, 1.0))[0].astype(float)
    x, y = np.meshgrid(*(0.1 * (np.arange(255) - 127),) * 2)
    assert image[np.hypot(x, y) < 2.0].sum() / 50.0 == pytest.approx(0.5, abs=0.01)


def test_noise_is_white_and_as_large_as_asked():
    sky = simulated(noise=0.7)
    noise = (sky.inputs["galaxy"].column.values - sky.targets["galaxy"])[:, 0]
    assert noise.std() == pytest.approx(0.7, rel=0.01)
    assert abs(noise.mean()) < 0.01
    neighbours = (noise[:, :, 1:] * noise[:, :, :-1]).mean() / noise.var()
    assert abs(neighbours) < 0.02


def test_a_shard_follows_from_its_seed(sky):
    again, other = simulated(), simulated(seed=2)
    assert np.array_equal(again.inputs["star"].column.values, sky.inputs["star"].column.values)
    assert not np.array_equal(other.inputs["star"].column.values, sky.inputs["star"].column.values)


def test_sersic_profiles_are_drawn():
    assert np.isfinite(simulated(profile="sersic").targets["galaxy"]).all()


def test_pixels_are_added_up(sky):
    """Counts are kept, and the noise of four pixels is twice that of one."""
    options = SkyImages.Options(kind="sky", rebin=2)
    made = SkyImages().prepare(options, sky, 0, np.ones(60, bool))
    assert made.inputs["galaxy"].column.values.shape == (60, 1, 16, 16)
    for name in ("galaxy", "star"):
        np.testing.assert_allclose(made.targets[name].sum((1, 2, 3)), sky.targets[name].sum((1, 2, 3)), rtol=1e-5)
        noise = made.targets[f"{name}_noisy"] - made.targets[name]
        assert noise.std() == pytest.approx(2.0, rel=0.02)
    whole = sky.targets["star"][:, 0, 4:6, 6:8].sum((1, 2))
    np.testing.assert_allclose(made.targets["star"][:, 0, 2, 3], whole, rtol=1e-5)
    assert made.targets["star_parameters"] is sky.targets["star_parameters"]


def test_a_rebinning_that_does_not_fit_is_refused(sky):
    with pytest.raises(UserError, match="5 does not divide images of 32×32 pixels"):
        SkyImages().prepare(SkyImages.Options(kind="sky", rebin=5), sky, 0, np.ones(60, bool))


def test_without_rebinning_the_options_are_written_as_before():
    assert "rebin" not in SkyImages.Options(kind="sky").model_dump()
    assert SkyImages.Options(kind="sky", rebin=2).model_dump()["rebin"] == 2


def test_mixed_images_are_galaxies_and_stars_in_turn(sky):
    mixed = SkyImages().prepare(
        SkyImages.Options(kind="sky", kinds="mixed", clean=True, scale=10.0), sky, 0, np.ones(60, bool)
    )
    images = mixed.inputs["image"].column.values
    assert mixed.targets["label"].tolist() == [0, 1] * 30
    np.testing.assert_allclose(images[::2], sky.targets["galaxy"][::2] / 10.0, rtol=1e-6)
    np.testing.assert_allclose(images[1::2], sky.targets["star"][1::2] / 10.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"radius": (2.0, 1.0)}, "radius: must rise, found 2 and 1"),
        ({"axis_ratio": (0.5, 1.2)}, "less than or equal to 1"),
        ({"radius": (1.0, 6.0)}, "half of the light within 6 arcsec does not fit"),
        ({"size": 7}, "greater than or equal to 8"),
        ({"profile": "gauss"}, "'exponential' or 'sersic'"),
    ],
)
def test_impossible_skies_are_refused(options, said):
    with pytest.raises(ValidationError, match=said):
        Sky.Options(kind="sky", **options)
