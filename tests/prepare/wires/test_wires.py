"""From charge to images: each step against its formula, and charge conserved through all of them."""

import numpy as np
import pytest
from pydantic import ValidationError
from wire_events import IDEAL, MUON, images, prepared, raw

from bevatron.errors import UserError
from bevatron.prepare.recipes.lartpc import WirePlanes
from bevatron.prepare.wires.drift import Drift, diffusion_width, drift_time, surviving_fraction
from bevatron.prepare.wires.electronics import Electronics, dead_wires, read_out_pixels
from bevatron.prepare.wires.planes import wire_coordinate
from bevatron.prepare.wires.recombination import W_ION, escape_fraction, escaped_electrons
from bevatron.store.shards.columns import Group, Ragged, Samples


def test_recombination_of_minimum_ionising_particles():
    """At 273 V/cm and 2.1 MeV/cm the modified box model gives 0.63 (JINST 8 (2013) P08005); protons lose more."""
    assert escape_fraction(np.array(2.1), 0.273) == pytest.approx(0.63, abs=0.03)
    assert escape_fraction(np.array(2.1), 0.5) == pytest.approx(0.70, abs=0.03)
    dense = escape_fraction(np.array([2.0, 5.0, 10.0, 30.0]), 0.273)
    assert (np.diff(dense) < 0).all()
    faint = escape_fraction(np.linspace(0.0, 2.0, 50), 0.273)
    assert ((faint > 0.6) & (faint < 0.75)).all()  # where no particle is, no nonsense either
    assert (np.diff(faint) <= 0).all()
    assert escaped_electrons(np.array([2.1]), np.array([1.0]), 0.273)[0] == pytest.approx(2.1 / W_ION * 0.63, rel=0.05)


def test_drift_is_at_constant_speed_with_losses_and_diffusion():
    drift = Drift()
    assert drift_time(np.array(256.0), drift) == pytest.approx(2331, abs=2)  # µs: MicroBooNE's 2.3 ms
    assert surviving_fraction(np.array(10_000.0), drift) == pytest.approx(np.exp(-1))
    assert diffusion_width(np.array(2300.0), 5.85) == pytest.approx(np.sqrt(2 * 5.85 * 2.3e-3))  # cm


def test_the_coordinates_of_three_planes_belong_together():
    y, z = np.random.default_rng(1).uniform(-100, 300, (2, 50))
    u, v, w = (wire_coordinate(y, z, plane) for plane in "uvy")
    np.testing.assert_allclose(u + v, w, atol=1e-9)
    np.testing.assert_allclose((u - v) * 0.3 / np.sqrt(3), -y, atol=1e-9)
    assert wire_coordinate(0.0, 3.0, "y") == pytest.approx(10.0)


def test_all_charge_arrives_in_every_plane():
    found = images(prepared(raw([[MUON]])))[0]
    length = np.sqrt(20**2 + 10**2 + 40**2)
    expected = escaped_electrons(np.array([2.1 * length]), np.array([length]), 0.273)[0] / 1000
    for plane in found:
        assert plane.sum() == pytest.approx(expected, rel=0.01)  # digits of 100 electrons


def test_a_track_along_a_wire_is_on_one_wire():
    upright = ((100, -20, 150.15), (100, 20, 150.15), 2.1, 0)
    u, v, y = (plane > 0.5 for plane in images(prepared(raw([[upright]])))[0])
    assert y.any(0).sum() == 1
    assert u.any(0).sum() > 50
    assert v.any(0).sum() > 50


def test_time_is_distance_over_velocity():
    two = [[((50, 0, 150), (50, 0, 160), 2.1, 0)], [((150, 0, 150), (150, 0, 160), 2.1, 0)]]
    found = images(prepared(raw(two), window={"show": "detector"}))
    rows = [image[2].sum(1) for image in found]
    mean = [(row * (np.arange(len(row)) + 0.5)).sum() / row.sum() for row in rows]
    assert mean[1] - mean[0] == pytest.approx(100 / 0.1098 / 3.0, abs=0.2)


def test_lifetime_attenuates_and_diffusion_widens():
    far = [[((240, 0, 150), (240, 0, 160), 2.1, 0)]]
    plain = images(prepared(raw(far)))[0, 2]
    weak = images(prepared(raw(far), drift={**IDEAL, "lifetime": 2000.0}))[0, 2]
    assert weak.sum() / plain.sum() == pytest.approx(np.exp(-240 / 0.1098 / 2000), rel=0.02)
    wide = images(prepared(raw(far), drift={**IDEAL, "diffusion_along": 200.0}))[0, 2]
    rows = np.arange(len(plain)) + 0.5

    def variance(image):
        weight = image.sum(1) / image.sum()
        return (weight * rows**2).sum() - (weight * rows).sum() ** 2

    added = (2 * 200e-6 * 240 / 0.1098) / (0.1098 * 3.0) ** 2
    assert variance(wide) - variance(plain) == pytest.approx(added, rel=0.05)


def test_diffusion_across_widens_by_sqrt_2dt():
    point = [[((239.85, 0, 150.1), (240.15, 0, 150.1), 500.0, 0)]]  # along the drift: one point on the wires
    plain, wide = (
        images(prepared(raw(point), drift={**IDEAL, "diffusion_across": value}))[0] for value in (0.0, 200.0)
    )
    added = 2 * 200e-6 * 240 / 0.1098 / 0.3**2  # pitches²
    for before, after in zip(plain, wide, strict=True):
        assert after.sum() == pytest.approx(before.sum(), rel=0.01)
        assert width2(after.sum(0)) - width2(before.sum(0)) == pytest.approx(added + 1 / 12, rel=0.05)


def width2(profile):
    """Variance of a profile, in pixels²; a cloud in many pixels has 1/12 from their own size."""
    weight, place = profile / profile.sum(), np.arange(len(profile))
    return (weight * place**2).sum() - (weight * place).sum() ** 2


def test_dead_wires_are_dead_in_every_event():
    """Each event has other tracks and other noise; the silent columns are the same, and as many as asked for."""
    tracks = [[((100, y, 1), (150, y, 299), 2.1, 0)] for y in (-40.0, 0.0, 40.0)]
    electronics = {"noise": 2.0, "threshold": 1.0, "dead_fraction": 0.2, "dead_seed": 5}
    window = {"show": "detector"}
    found = images(prepared(raw(tracks), electronics=electronics, window=window))[:, 2]
    silent = [frozenset(np.flatnonzero(image.sum(0) == 0)) for image in found]
    assert len(set(silent)) == 1
    assert len(silent[0]) / found.shape[2] == pytest.approx(0.2, abs=0.15)  # some 60 chips of 16 wires
    again = images(prepared(raw(tracks), seed=2, electronics=electronics, window=window))[0, 2]
    assert frozenset(np.flatnonzero(again.sum(0) == 0)) == silent[0]
    other = images(prepared(raw(tracks), electronics={**electronics, "dead_seed": 6}, window=window))[0, 2]
    assert frozenset(np.flatnonzero(other.sum(0) == 0)) != silent[0]


def test_noise_threshold_and_dead_wires():
    electronics = Electronics(noise=1.0, threshold=2.0, dead_fraction=0.1)
    random = np.random.Generator(np.random.Philox(3))
    dead = dead_wires(np.arange(500), 0, electronics)
    assert (dead_wires(np.arange(500), 1, electronics) != dead).any()
    index, value = read_out_pixels(np.zeros((400, 500), np.float32), np.zeros(500, bool), electronics, random)
    assert len(index) == pytest.approx(0.02275 * 200_000, rel=0.1)  # of a Gaussian beyond two standard deviations
    assert value.min() >= 1.95
    assert value.mean() == pytest.approx(2.373, abs=0.03)  # mean of that tail
    index, _ = read_out_pixels(np.full((400, 500), 50, np.float32), dead, electronics, random)
    assert set(index % 500) == set(np.flatnonzero(~dead))
    noisy = read_out_pixels(np.full((400, 500), 50, np.float32), np.zeros(500, bool), electronics, random)[1]
    assert noisy.std() == pytest.approx(1.0, rel=0.02)


def test_coarse_images_are_sums_of_fine_ones():
    samples = prepared(raw([[MUON]]), electronics={"noise": 1.0, "threshold": 3.0})
    fine, coarse = images(samples)[0], images(samples, "coarse")[0]
    c, h, w = coarse.shape
    np.testing.assert_allclose(fine.reshape(c, h, 2, w, 2).sum((2, 4)), coarse, rtol=1e-5)


def test_disorder_keeps_the_values_and_is_the_same_in_all_images():
    groups = {"plain": {"planes": ["y"]}, "mixed": {"planes": ["y"], "permuted": True}}
    samples = prepared(raw([[MUON], [MUON]]), images=groups, window={"size": 64, "shift": 1})
    plain, mixed = (images(samples, name)[:, 0].reshape(2, -1) for name in ("plain", "mixed"))
    for a, b in zip(plain, mixed, strict=True):
        np.testing.assert_array_equal(np.sort(a), np.sort(b))
    assert (plain != mixed).any()
    again = prepared(raw([[MUON], [MUON]]), images=groups, window={"size": 64, "shift": 1})
    np.testing.assert_array_equal(images(again, "mixed")[:, 0].reshape(2, -1), mixed)


def test_boxes_hold_their_particles_charge():
    proton = ((100, 0, 160), (110, 0, 165), 6.0, 1)
    cosmic = ((80, 0, 120), (90, 0, 130), 2.1, 2)
    samples = prepared(raw([[MUON, proton, cosmic]], [[(13, 0), (2212, 0), (13, 2)]]))
    boxes = samples.targets["boxes"][0]
    assert sorted(boxes[:, 4].tolist()) == [-1, -1, 0, 1]
    alone = images(prepared(raw([[MUON]])))[0, 2]
    box = boxes[boxes[:, 4] == 0][0]
    width, height = (box[2] - box[0]) * 256, (box[3] - box[1]) * 256
    assert width == pytest.approx(np.ptp(np.flatnonzero(alone.sum(0) > 0)) + 1, abs=4)
    assert height == pytest.approx(np.ptp(np.flatnonzero(alone.sum(1) > 0)) + 1, abs=4)
    whole = prepared(
        raw([[MUON, cosmic]], [[(13, 1), (13, 1), (13, 2)]]), boxes={"around": "interaction", "max_boxes": 1}
    )
    assert whole.targets["boxes"].shape == (1, 1, 5)
    assert whole.targets["boxes"][0, 0, 4] == 0


def test_a_box_holds_nearly_all_of_the_charge_in_the_image():
    samples = prepared(raw([[MUON]]))
    image = images(samples)[0, 2]
    x1, y1, x2, y2 = (samples.targets["boxes"][0, 0, :4] * 256).tolist()
    inside = image[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))].sum()
    assert inside / image.sum() > 0.96  # 1 % is cut off at each of four sides


def test_an_image_of_one_particle_is_under_a_hundredth_of_its_dense_size():
    """Even uncompressed: four bytes of index and four of value a pixel, with the usual noise and threshold."""
    column = prepared(raw([[MUON]]), electronics={}, drift={}, window={"size": 576}).inputs["fine"].column
    assert 8 * len(column.index) < 0.01 * 4 * np.prod(column.shape)


def test_start_of_the_shower_is_the_true_ionisation():
    along = ((100, 0, 100), (100, 0, 140), 2.1, 0)
    dedx, conversion = prepared(raw([[along]])).inputs["shower"].column.values[0]
    assert dedx == pytest.approx(2.1, rel=0.1)
    assert conversion == 0


def test_an_event_is_one_sample_whatever_its_planes_and_particles():
    """So that a bootstrap that draws samples draws events: all planes, images and boxes of one event together."""
    proton = ((100, 0, 160), (110, 0, 165), 6.0, 1)
    events = raw([[MUON, proton], [MUON], [proton]], [[(13, 0), (2212, 0)], [(13, 0)], [(13, 0), (2212, 0)]])
    samples = prepared(events)
    np.testing.assert_array_equal(samples.id, events.id)
    assert samples.event is None  # no two samples share one
    assert len(images(samples)) == len(images(samples, "coarse")) == len(samples.targets["boxes"]) == 3
    assert images(samples).shape[1] == 3


def test_the_same_seed_gives_the_same_images():
    noisy = {"noise": 1.0, "threshold": 3.0}
    first, again, other = (prepared(raw([[MUON]]), seed, electronics=noisy) for seed in (1, 1, 2))
    np.testing.assert_array_equal(images(first), images(again))
    assert (images(first) != images(other)).any()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"images": {"a": {"rebin": 3}}, "window": {"size": 64, "shift": 8}},
            "images.a.rebin: must divide window.size, found 3 and 64",
        ),
        ({"images": {}}, "at least 1 item"),
        ({"images": {"a": {"planes": []}}}, "at least 1 item"),
        ({"images": {"a": {"planes": ["x"]}}}, "'u', 'v' or 'y'"),
        ({"images": {"a": {"planes": ["y", "y"]}}}, "a plane stands twice"),
        ({"images": {"a": {}}, "drift": {"field": 0}}, "greater than 0"),
        ({"images": {"a": {}}, "window": {"size": 64, "shift": 32}}, "less than half of size"),
    ],
)
def test_impossible_geometry_is_one_line(settings, said):
    with pytest.raises(ValidationError) as caught:
        WirePlanes.Options.model_validate({"kind": "lartpc", **settings})
    assert said in str(caught.value)


def test_raw_shards_of_other_sources_are_refused():
    other = Samples({}, {}, np.arange(1, dtype=np.uint64), attributes={"source": "gaussians"})
    with pytest.raises(UserError, match="'gaussians' does not write"):
        prepared(other)


def with_classes(samples, numbers):
    """The samples with a class number for each segment, by its track's number."""
    ids = samples.inputs["segment_ids"].column
    values = np.array([numbers[track] for track in ids.values[:, 1]], np.int8)[:, None]
    column = Group(Ragged(values, ids.offsets), ("class",), ("",))
    attributes = {**samples.attributes, "deposit_classes": ["track", "shower", "michel"]}
    return Samples({**samples.inputs, "segment_classes": column}, samples.targets, samples.id, attributes=attributes)


def crossing():
    """Two tracks in one plane of time: the second leaves three times as much charge, and crosses the first."""
    first = ((100, 0, 100), (100, 0, 130), 2.1, 0)
    second = ((90, 0, 115), (110, 0, 115), 6.3, 1)
    return raw([[first, second], []], [[(13, 0), (2212, 0)], [(13, 0)]])


def test_a_pixel_has_the_class_that_brings_most_of_its_charge():
    samples = with_classes(crossing(), {0: 2, 1: 0})
    images = {"fine": {"planes": ["y"]}, "coarse": {"planes": ["y"], "rebin": 4}}
    made = prepared(samples, images=images, labels=True)
    for name, target in made.element_targets.items():
        group = target.group
        assert name == f"{group}_class"
        assert target.classes == ("track", "shower", "michel")
        column = made.inputs[group].column
        assert len(target.values) == len(column.index)
        assert set(target.values) == {0, 2}
        # Each class alone, on the same canvas: the larger of the two decides.
        alone = {}
        for number, track in ((2, 0), (0, 1)):
            kept = without_other_tracks(samples, track)
            alone[number] = dense_image(prepared(kept, images=images, window=fixed(samples)), group)
        both = prepared(samples, images=images, labels=True, window=fixed(samples))
        column, labels = both.inputs[group].column, both.element_targets[f"{group}_class"].values
        of_first = slice(column.offsets[0], column.offsets[1])
        index, labels = column.index[of_first], labels[of_first]
        larger = np.where(alone[2].ravel()[index] >= alone[0].ravel()[index], 2, 0)
        clear = np.abs(alone[2].ravel()[index] - alone[0].ravel()[index]) > 0.2  # beyond a digit
        np.testing.assert_array_equal(labels[clear], larger[clear])


def fixed(samples):
    """The whole detector: a view that does not depend on the charge."""
    return {"show": "detector"}


def without_other_tracks(samples, track):
    """The same events with the segments of one track alone."""
    ids = samples.inputs["segment_ids"].column
    kept = ids.values[:, 1] == track
    event = np.repeat(np.arange(len(samples)), np.diff(ids.offsets))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(event[kept], minlength=len(samples)))]).astype(np.int64)
    inputs = dict(samples.inputs)
    for name in ("segments", "segment_ids", "segment_classes"):
        inputs[name] = Group(Ragged(samples.inputs[name].column.values[kept], offsets), (), ())
    return Samples(inputs, samples.targets, samples.id, attributes=samples.attributes)


def dense_image(samples, group):
    column = samples.inputs[group].column
    image = np.zeros(int(np.prod(column.shape)))
    own = slice(column.offsets[0], column.offsets[1])
    image[column.index[own]] = column.value[own]
    return image


def test_labels_follow_shuffled_pixels_and_leave_noise_without_a_class():
    samples = with_classes(crossing(), {0: 2, 1: 0})
    images = {"plain": {"planes": ["y"]}, "shuffled": {"planes": ["y"], "permuted": True}}
    noisy = {"noise": 2.0, "threshold": 4.0}
    made = prepared(samples, electronics=noisy, images=images, labels=True)
    plain, shuffled = (made.element_targets[f"{name}_class"].values for name in images)
    values = [made.inputs[name].column.value for name in images]
    assert sorted(zip(values[0], plain, strict=True)) == sorted(zip(values[1], shuffled, strict=True))
    assert -1 in plain
    last = slice(*made.inputs["plain"].column.offsets[1:3])
    assert (plain[last] == -1).all()  # the second event holds noise alone
    again = prepared(samples, electronics=noisy, images=images)
    np.testing.assert_array_equal(again.inputs["plain"].column.value, values[0])  # the images stay as they are
    assert not again.element_targets


def test_labels_need_classes_of_deposits():
    with pytest.raises(UserError, match=r"labels: reads the class of each deposit.*deposit_classes"):
        prepared(crossing(), labels=True)
