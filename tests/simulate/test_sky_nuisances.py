"""Shifted centres, photon noise and a changing atmosphere, against closed forms and GalSim's own moments."""

import galsim
import numpy as np
import pytest
from pydantic import ValidationError

from bevatron.prepare.recipes.sky import SkyImages
from bevatron.simulate.shard_seed import ShardSeed
from bevatron.simulate.sky import ImageView, add_photon_noise, draw_galaxies, draw_stars, random_ellipticities
from bevatron.simulate.sources.sky import Sky, _draw_shifts

N = 40


def simulated(seed="1", **options):
    return Sky().simulate(Sky.Options(kind="sky", events=N, **options), 0, ShardSeed.of(seed, 0))[0]


def centroid(image, scale):
    """First moments of all light, from the image's middle [arcsec]: pixels that add up light leave them as they are.

    Adaptive moments, which weight by a Gaussian, are off by up to 2 % of a pixel where an image is undersampled.
    """
    x = scale * (np.arange(image.shape[0]) - (image.shape[0] - 1) / 2)
    light = image.astype(float)
    return (light @ x).sum() / light.sum(), (x @ light).sum() / light.sum()


def test_centroids_are_the_shifts_that_were_asked_for():
    """To a hundredth of a pixel, in images so large that nothing is cut off on one side; light is only moved."""
    sky = simulated(shift=0.5, centred=True, size=64)
    for name, width in (("galaxy", 6), ("star", 4)):
        parameters = sky.targets[f"{name}_parameters"]
        assert parameters.shape == (N, width)
        assert np.abs(parameters[:, -2:]).max() <= 0.25
        found = [centroid(image[0], 0.5) for image in sky.targets[name]]
        np.testing.assert_allclose(found, parameters[:, -2:], atol=0.005)
        middle = [centroid(image[0], 0.5) for image in sky.targets[f"{name}_centred"]]
        np.testing.assert_allclose(middle, 0.0, atol=0.005)
        light = sky.targets[name].sum((1, 2, 3)) / sky.targets[f"{name}_centred"].sum((1, 2, 3))
        np.testing.assert_allclose(light, 1.0, atol=0.01)


def test_a_shift_by_whole_pixels_moves_the_pixels():
    view, star = ImageView(32, 0.5, 1.0), np.array([[1.0, 100.0]])
    moved = draw_stars(star, view, np.array([[1.0, -1.5]]))[0]
    np.testing.assert_allclose(moved[1:24, 8:30], draw_stars(star, view)[0][4:27, 6:28], atol=1e-3)


def test_shifts_fill_the_pixel_evenly():
    """Uniform between -h and h: the variance is h² / 3, which 2,000 numbers tell to 2 %."""
    options = Sky.Options(kind="sky", events=1_000, shift=0.4, size=10, radius=(0.5, 1.0))
    shifts = _draw_shifts(options, np.random.default_rng(1))["star"]
    assert shifts.var() == pytest.approx(0.2**2 / 3, rel=0.1)
    assert abs(shifts.mean()) < 0.01


@pytest.mark.parametrize("gain", [1.0, 5.0])
def test_photo_electrons_vary_as_much_as_there_are(gain):
    """Poisson: Σ (k - µ)² / µ has the mean n and the variance n (2 + 1 / µ); electrons are whole numbers."""
    clean = np.broadcast_to(np.linspace(0.0, 50.0, 100), (400, 100))
    counts = add_photon_noise(clean, gain, 4.0, np.random.default_rng(2))
    expected = gain * (clean + 4.0)
    electrons = gain * (counts + 4.0)
    np.testing.assert_allclose(electrons, np.round(electrons), atol=1e-9)
    ratio, error = ((electrons - expected) ** 2 / expected).mean(), np.sqrt((2 + 1 / expected).mean() / clean.size)
    assert abs(ratio - 1) < 4 * error
    assert abs((electrons - expected).mean()) < 4 * np.sqrt(expected.mean() / clean.size)


def test_noise_of_a_shard_is_that_of_photons_and_of_the_electronics():
    """Variance in counts: (signal + sky) / gain + noise²."""
    sky = simulated(gain=2.0, sky_level=6.0, noise=1.5)
    clean = sky.targets["star"].astype(float)
    noise = sky.inputs["star"].column.values - clean
    variance = (np.maximum(clean + 6.0, 0.0)) / 2.0 + 1.5**2
    assert (noise**2 / variance).mean() == pytest.approx(1.0, abs=0.03)
    assert noise.mean() == pytest.approx(0.0, abs=0.04)


def truncated_moments(image, scale, e1, e2, a, reach):
    """Ellipticity and mean square radius of a sheared profile's light within `reach` of its own radii.

    Coordinates in which the ellipse is a circle of equal area: ellipses of a sheared profile are its own isophotes,
    so that a cut along one leaves its shape as it is.
    """
    n = image.shape[0]
    x, y = np.meshgrid(*(scale * (np.arange(n) - (n - 1) / 2),) * 2)
    inverse = np.linalg.inv(galsim.Shear(e1=e1, e2=e2).getMatrix())
    inside = np.hypot(inverse[0, 0] * x + inverse[0, 1] * y, inverse[1, 0] * x + inverse[1, 1] * y) < reach * a
    light = image * inside
    xx, yy, xy = (float((light * q).sum() / light.sum()) for q in (x * x, y * y, x * y))
    return (xx - yy) / (xx + yy), 2 * xy / (xx + yy), 2 * np.sqrt(xx * yy - xy**2)


@pytest.mark.parametrize(("e1", "e2", "width"), [(0.0, 0.0, 1.0), (0.2, -0.1, 1.0), (-0.05, 0.3, 1.4)])
def test_an_atmosphere_s_second_moments_are_moffat_s(e1, e2, width):
    """Moffat's profile (1 + r²/a²)⁻³ has, within r = k a, a mean square radius of a² k² / (k² + 2), and a full width at
    half maximum of 2 a √(2^⅓ - 1). A star and a galaxy that is nearly a point have it alike.
    """
    a, reach = width / (2 * np.sqrt(2 ** (1 / 3) - 1)), 5.0
    view = ImageView(201, 0.08, 1.0)
    half = a * np.sqrt(np.sqrt(2.0) - 1)  # half of the light: (1 + r²/a²)⁻² = 1/2
    star = draw_stars(np.array([[half, 100.0]]), view, None, np.array([[e1, e2]]))[0]
    point = np.array([[0.01, 0.01, 0.0, 100.0]])
    galaxy = draw_galaxies(point, "exponential", np.ones(1), view, None, np.array([[e1, e2, width]]))[0]
    for image in (star, galaxy):
        found = truncated_moments(image.astype(float), 0.08, e1, e2, a, reach)
        assert found[:2] == pytest.approx((e1, e2), abs=0.003)
        assert found[2] == pytest.approx(a**2 * reach**2 / (reach**2 + 2), rel=0.01)


def test_atmospheres_change_from_image_to_image():
    """GalSim's adaptive moments of stars give the ellipticity back, diluted by the pixel alone."""
    sky = simulated(psf_ellipticity=0.3, seeing_range=(0.8, 1.6), star_radius=(1.4, 1.5), pixel_scale=0.2, size=96)
    psf = sky.targets["psf_parameters"]
    assert psf.shape == (N, 3)
    assert psf[:, 2].min() > 0.8
    assert psf[:, 2].std() == pytest.approx(0.8 / np.sqrt(12), rel=0.35)
    found = []
    for image in sky.targets["star"][:, 0]:
        shape = galsim.hsm.FindAdaptiveMom(galsim.Image(image, scale=0.2)).observed_shape
        found.append((shape.e1, shape.e2))
    np.testing.assert_allclose(found, psf[:, :2], atol=0.01)


def test_ellipticities_fill_a_disc():
    """Uniform over a disc of radius R: <|e|²> = R² / 2, and no direction is preferred."""
    e = random_ellipticities(20_000, 0.2, np.random.default_rng(3))
    assert np.hypot(*e.T).max() <= 0.2
    assert (e**2).sum(1).mean() == pytest.approx(0.02, rel=0.02)
    np.testing.assert_allclose(e.mean(0), 0.0, atol=0.003)


def test_options_that_are_off_leave_digests_and_the_other_numbers_as_they_were():
    assert set(Sky.Options.LATER).isdisjoint(Sky.Options(kind="sky").model_dump())
    assert Sky.Options(kind="sky", shift=0.5).model_dump()["shift"] == 0.5
    plain, shifted = simulated(), simulated(shift=0.5, centred=True, gain=3.0)
    for name in ("galaxy", "star"):
        assert np.array_equal(plain.targets[name], shifted.targets[f"{name}_centred"])
        parameters = plain.targets[f"{name}_parameters"]
        assert np.array_equal(parameters, shifted.targets[f"{name}_parameters"][:, :-2])
        assert np.array_equal(parameters, shifted.targets[f"{name}_centred_parameters"])


def test_the_recipe_passes_centred_images_on():
    sky = simulated(shift=0.5, centred=True)
    made = SkyImages().prepare(SkyImages.Options(kind="sky", rebin=2), sky, 0, np.ones(N, bool))
    assert set(made.inputs) == {"galaxy", "star", "galaxy_centred", "star_centred"}
    for name in made.inputs:
        assert made.targets[name].shape == (N, 1, 16, 16)
        assert np.array_equal(made.targets[f"{name}_noisy"], made.inputs[name].column.values)
        np.testing.assert_allclose(made.targets[name].sum((1, 2, 3)), sky.targets[name].sum((1, 2, 3)), rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"centred": True}, "centred: without a shift all images are"),
        ({"sky_level": 3.0}, "sky_level: only its photons' fluctuations are seen; give gain as well"),
        ({"shift": 9.0}, "shift: must be at most a quarter of the image, found 9 pixels"),
        ({"seeing_range": (2.0, 1.0)}, "seeing_range: must rise, found 2 and 1"),
        ({"psf_ellipticity": 0.9}, "less than or equal to 0.5"),
        ({"gain": 0.0}, "greater than 0"),
    ],
)
def test_impossible_nuisances_are_refused(options, said):
    with pytest.raises(ValidationError, match=said):
        Sky.Options(kind="sky", **options)
