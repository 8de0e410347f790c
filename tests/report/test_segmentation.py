"""The report of a segmentation: numbers by class, the matrix, and images whose colours are those of the classes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from crossings import CLASSES, SIDE, STUDY, samples
from matplotlib.colors import to_rgba

from bevatron.config.sections.study import Study
from bevatron.config.sections.workflow import Workflow
from bevatron.evaluate.evaluation import Predictions
from bevatron.report.plots.images import Sides
from bevatron.report.plots.segmentation import class_colour, plot_segmented
from bevatron.report.plots.style import page_style


def drawn(split):
    number = ("train", "val", "test").index(split)
    return samples(np.random.default_rng(number), 1000 * number, 40)


def guessed(test):
    """Two seeds that mistake some pixels of each image; there is no corner."""
    rng = np.random.default_rng(3)
    counts = np.zeros((2, len(test), 3, 3), np.float32)
    counts[:, :, 0] = rng.integers(0, 30, (2, len(test), 3))
    counts[:, :, 1] = rng.integers(0, 30, (2, len(test), 3))
    return {"net": Predictions(counts, {}, test.id)}


def test_the_page_shows_numbers_by_class_and_the_matrix(publish_study, write_report, tmp_path):
    study = Study.model_validate(STUDY)
    publish_study(tmp_path / "results", study, drawn, guessed)
    write_report(Workflow(studies=[study.name]), [study], tmp_path / "results", tmp_path / "report")
    page = (tmp_path / "report" / study.name / "index.html").read_text(encoding="utf-8")
    for words in (
        "mean IoU",
        "IoU of horizontal",
        "images with a pixel of it",
        "Purity: fraction",
        "recall.vertical",
    ):
        assert words in page, words
    assert "IoU of corner" not in page
    names = {path.name for path in (tmp_path / "report").rglob("*.svg")}
    assert {"crossings-classes.svg", "crossings-net-confusion.svg"} <= names


@pytest.mark.parametrize("upwards", [True, False])
def test_images_show_each_pixel_in_the_colour_of_its_class(upwards):
    index = [3 * SIDE + 4, 3 * SIDE + 5, 20 * SIDE + 9]
    example = {"id": "7", "shape": [SIDE, SIDE], "index": index, "value": [1.0, 2.0, 3.0]}
    example |= {"true": [0, 1, -1], "predicted": [2, 1, 0]}
    with page_style():
        figure = plot_segmented(CLASSES, [example], Sides("wire [pixel]", "time tick [pixel]", upwards))
        for axes, key in zip(figure.axes, ("true", "predicted"), strict=True):
            (shown,) = axes.images
            assert axes.get_xlabel() == "wire [pixel]"
            assert axes.get_ylabel() == "time tick [pixel]"
            assert (axes.get_ylim()[0] < axes.get_ylim()[1]) == upwards
            colours = shown.cmap(shown.norm(shown.get_array()))
            for place, number in zip(index, example[key], strict=True):
                if number >= 0:
                    found = colours[place // SIDE, place % SIDE]
                    np.testing.assert_allclose(found, to_rgba(class_colour(number)), atol=0.01)
            assert np.count_nonzero(~shown.get_array().mask) == 3
        texts = [text.get_text() for text in figure.legends[0].get_texts()]
        assert texts == [*CLASSES, "no class (noise)"]
        plt.close(figure)
