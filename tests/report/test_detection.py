"""The report of a detection and of images: tables, precision and recall, boxes and pixels where they are."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import Rectangle
from rectangles import CLASSES, SIDE, STUDY, samples

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.evaluation import Predictions
from bevatron.report.plots.detection import plot_boxes, plot_precision_recall
from bevatron.report.plots.images import Sides, draw_channel, pixels, plot_examples, scale_of, sides_of
from bevatron.report.plots.style import page_style
from bevatron.report.results.study_results import read_study
from bevatron.store.records.data import ImagesRecord
from bevatron.store.shards.columns import Samples

KINDS = {
    "kind": "classification",
    "target": "kind",
    "classes": CLASSES,
    "signal": "hollow",
}
MODEL = {"title": "Pixels", "inputs": ["image"], "architecture": {"kind": "mlp", "widths": [4]}}


def detected(test: Samples) -> dict[str, Predictions]:
    """Two seeds that find most boxes, a little shifted."""
    rng, true = np.random.default_rng(4), test.targets["boxes"]
    found = np.zeros((2, *true.shape[:2], 6), np.float32)
    found[..., 5] = -1
    seen = (true[..., 4] >= 0) & (rng.uniform(size=(2, *true.shape[:2])) < 0.8)
    found[..., :4] = np.where(seen[..., None], true[..., :4] + rng.normal(0, 0.02, found[..., :4].shape), 0)
    found[..., 4] = np.where(seen, rng.uniform(0.4, 1, seen.shape), 0)
    found[..., 5] = np.where(seen, true[..., 4], -1)
    return {"net": Predictions(found, test.targets, test.id)}


def labelled(split: str) -> Samples:
    """The same images with the class of the first rectangle."""
    made = drawn(split)
    return Samples(made.inputs, {"kind": made.targets["boxes"][:, 0, 4].astype(np.int64)}, made.id)


def drawn(split: str) -> Samples:
    number = ("train", "val", "test").index(split)
    return samples(np.random.default_rng(number), 1000 * number, 60)


@pytest.fixture(scope="module")
def made(publish_study, tmp_path_factory):
    """Results of a detection and of a classification of the same images."""
    folder = tmp_path_factory.mktemp("results")
    detection = Study.model_validate(STUDY)
    publish_study(folder, detection, drawn, detected)
    kinds = Study.model_validate(STUDY | {"name": "kinds", "task": KINDS, "models": {"net": MODEL}})

    def guessed(test: Samples) -> dict[str, Predictions]:
        outputs = np.random.default_rng(5).normal(size=(2, len(test), 2)).astype(np.float32)
        return {"net": Predictions(outputs, test.targets, test.id)}

    publish_study(folder, kinds, labelled, guessed)
    return folder, detection, kinds


@pytest.fixture
def style():
    with page_style():
        yield
    plt.close("all")


def test_the_report_shows_metrics_curves_boxes_and_images(made, tmp_path, write_report):
    folder, *studies = made
    write_report(Workflow(studies=[s.name for s in studies]), studies, folder, tmp_path)
    page = "".join((tmp_path / s.name / "index.html").read_text(encoding="utf-8") for s in studies)
    for words in (
        "mean average precision",
        "mean average precision at IoU 50 %",
        "recall at IoU 50 %",
        "ap75.hollow",
        "IoU of the best box",
        "those that have a box of it",
        "Input group image: the first image of the test split of each class, 48 × 48 pixels",
    ):
        assert words in page
    names = {path.name for path in tmp_path.rglob("*.svg")}
    assert {"rectangles-precision.svg", "rectangles-net-boxes.svg", "kinds-image-examples.svg"} <= names


def test_stored_images_are_those_of_the_test_split(made):
    folder, detection, kinds = made
    test = {"rectangles": drawn("test"), "kinds": labelled("test")}
    for study in (detection, kinds):
        group = read_study(study, folder).data.examples["image"]
        ids = test[study.name].id.tolist()
        column = test[study.name].inputs["image"].column
        assert group.rebin == 1
        for image in group.images:
            row = ids.index(int(image.id))
            inside = slice(column.offsets[row], column.offsets[row + 1])
            dense = np.zeros(SIDE * SIDE)
            dense[column.index[inside]] = column.value[inside]
            assert np.array_equal(np.nan_to_num(pixels(image.channels[0], group.shape)).ravel(), dense)
    labels = [image.label for image in group.images]
    assert labels == CLASSES


def test_boxes_are_drawn_where_they_are(style):
    """An image of 20 rows and 40 columns, summed by two: boxes in pixels of the whole image, whichever way it grows."""
    channel = {"step": [3], "value": [2.0]}
    group = {"shape": [10, 20], "rebin": 2, "features": ["y"], "units": ["e"]}
    group["images"] = [{"id": "7", "label": None, "channels": [channel]}]
    group = ImagesRecord.model_validate(group)
    example = {"id": "7", "true": [[0.25, 0.5, 0.5, 0.75, 1.0]], "found": [[0.0, 0.0, 0.5, 0.5, 0.87, 0.0]]}
    for sides in (Sides(), sides_of("lartpc")):
        axes = plot_boxes(CLASSES, group, 0, [example], sides).axes[0]
        true, found = (patch for patch in axes.patches if isinstance(patch, Rectangle))
        assert (true.get_bbox().extents == [10, 10, 20, 15]).all()
        assert (found.get_bbox().extents == [0, 0, 20, 10]).all()
        assert [text.get_text() for text in axes.texts] == ["0.87"]
        low, high = axes.get_ylim()
        assert (high > low) == sides.upwards
        assert axes.images[0].get_extent()[:2] == [0, 40]
        assert axes.get_xlabel() == sides.x


@pytest.mark.parametrize(("columns", "empty"), [(4, 0.0), (40, np.nan)])  # small images are grey
def test_a_pixel_is_drawn_in_its_row_and_column(columns, empty, style):
    group = {"shape": [3, columns], "rebin": 1, "features": ["a"], "units": [""]}
    group["images"] = [{"id": "1", "label": "one", "channels": [{"step": [1, columns + 1], "value": [1.0, 4.0]}]}]
    group = ImagesRecord.model_validate(group)
    figure = plot_examples(group, Sides())
    drawn_array = figure.axes[0].images[0].get_array()
    expected = np.full((3, columns), empty)
    expected[0, 1], expected[1, 2] = 1.0, 4.0
    assert np.array_equal(np.ma.filled(drawn_array, np.nan), expected, equal_nan=True)
    assert figure.axes[0].get_title(loc="center" if columns == 4 else "left") == "one"
    scale = scale_of(group)
    assert scale.vmin == 0
    assert 1 < scale.vmax <= 4
    assert draw_channel(figure.axes[0], group, group.images[0], 0, scale, Sides()).norm is scale


def test_small_images_of_red_green_and_blue_have_their_colours(style):
    """One panel each: the second pixel of the first row is red, the third of the second row is yellow."""
    channels = [{"step": [1, 5], "value": [1.0, 1.0]}, {"step": [6], "value": [1.0]}, {"step": [], "value": []}]
    group = {"shape": [3, 4], "rebin": 1, "features": ["red", "green", "blue"], "units": ["", "", ""]}
    group["images"] = [{"id": "1", "label": "red_disc", "channels": channels}]
    figure = plot_examples(ImagesRecord.model_validate(group), Sides())
    drawn = figure.axes[0].images[0].get_array()
    assert drawn.shape == (3, 4, 3)
    assert drawn[0, 1].tolist() == [1, 0, 0]
    assert drawn[1, 2].tolist() == [1, 1, 0]
    assert drawn.sum() == 3


def test_images_of_several_channels_and_without_pixels_can_be_drawn(style):
    empty = {"step": [], "value": []}
    group = {"shape": [3, 4], "rebin": 1, "features": ["u", "v"], "units": ["e", "e"]}
    group["images"] = [{"id": str(k), "label": "none", "channels": [empty, empty]} for k in range(2)]
    figure = plot_examples(ImagesRecord.model_validate(group), sides_of("lartpc"))
    figure.canvas.draw()
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["none, u", "none, v"]


def test_a_curve_is_drawn_for_each_model(style):
    curve = {"iou": 0.5, "classes": {"muon": [[1.0] * 51 + [0.0] * 50, [1.0] * 101]}, "boxes": {"muon": 4}}
    axes = plot_precision_recall(["muon"], {"one": curve, "other": curve}).axes[0]
    assert len(axes.lines) == 2
    assert np.allclose(axes.lines[0].get_ydata()[[0, 100]], [1.0, 0.5])
