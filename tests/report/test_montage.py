"""Small images drawn on one axis: each where it belongs, with its row's title."""

import matplotlib.pyplot as plt
import numpy as np

from bevatron.report.plots.montage import draw_montage
from bevatron.report.plots.style import page_style


def test_every_image_is_found_at_its_frame_and_at_the_height_of_its_title():
    random = np.random.default_rng(0)
    rows = {"first": list(random.random((3, 4, 6))), "second, shorter": list(random.random((2, 4, 6)))}
    with page_style():
        figure, axes = plt.subplots()
        drawn = draw_montage(axes, rows, "gray_r", 0.0, 1.0)
        figure.canvas.draw()
        buffer = np.ma.filled(drawn.get_array().astype(float), np.nan)
        frames = [path.get_extents() for path in axes.collections[0].get_paths()]
        titles = {label.get_text(): y for label, y in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)}
        ticks = [*axes.yaxis.get_ticklines(), *axes.yaxis.get_minorticklines()]
        plt.close(figure)
    images = [(title, image) for title, row in rows.items() for image in row]
    assert len(frames) == len(images) == 5
    for (title, image), frame in zip(images, frames, strict=True):
        top, left = round(frame.y0 + 0.5), round(frame.x0 + 0.5)
        assert np.array_equal(buffer[top : top + 4, left : left + 6], image)
        assert frame.y0 < titles[title] < frame.y1
    assert np.isfinite(buffer).sum() == 5 * 4 * 6  # gaps, and the place of an image that is not there, are empty
    assert all(line.get_markersize() == 0 for line in ticks)
