"""A game: which images are real, and which did a generator make? The answers are encoded, and the score is counted."""

from typing import Any

import numpy as np

from bevatron.config.sections.task import Generation
from bevatron.report.explore.arrays import encode_array
from bevatron.report.explore.displayed import rounded
from bevatron.report.explore.panel import Panel, panels
from bevatron.report.results.study_results import ModelResults, StudyResults

SEED = 20  # of the order of the images, the same for every model
KEY = 151  # answers are read with it; see the script


@panels("spot_generated")
def build_panels(results: StudyResults) -> list[Panel]:
    """One panel for a study of generators; none for others."""
    if not isinstance(results.study.task, Generation):
        return []
    games = [_game(results, m) for m in results.models.values() if m.curves.get("samples") and m.curves.get("test")]
    if not games:
        return []
    most = max(len(game["answers"]) for game in games)
    explanation = (
        f"Up to {most} images, one after the other, in an order that is drawn once: half of them are from the test "
        "split, half were made by the generator of the first seed. Say of each whether it is real. Keys: R for real, "
        "G for generated, while one of the buttons has the focus. By chance one is right half of the time."
    )
    return [Panel("spot-generated", "Spot the generated image", explanation, {"games": games}, "spot_generated.js")]


def _game(results: StudyResults, m: ModelResults) -> dict[str, Any]:
    """The images of one model, shuffled, as uint8 shades (n, height, width), and the encoded answers, a text.

    An answer is one character: that of a number whose lowest bit, after an exclusive or with its place and KEY, says
    whether the image was generated. This hides answers from who looks, not from who computes.
    """
    n = min(len(m.curves["test"]), len(m.curves["samples"][-1]))
    images = np.array([*m.curves["test"][:n], *m.curves["samples"][-1][:n]], np.float64)
    random = np.random.default_rng(SEED)
    order = random.permutation(2 * n)
    generated = (order >= n).astype(int)
    noise = random.integers(0, 32, 2 * n)
    codes = ((noise << 1 | generated) ^ ((np.arange(2 * n) * 7 + KEY) & 63)) + 48
    low, high = images[:n].min(), images[:n].max()  # of real images: shades tell nothing else
    shades = np.clip(np.round(255 * (images[order] - low) / max(high - low, 1e-30)), 0, 255).astype(np.uint8)
    spotted, d_accuracy = (results.metric(m.name, name) for name in ("spotted", "d_accuracy"))
    return {
        "title": m.label,
        "images": encode_array(shades),
        "answers": "".join(map(chr, codes.tolist())),
        "key": KEY,
        "observer": None if spotted is None else rounded(np.array(spotted.value), 4),
        "discriminator": None if d_accuracy is None else rounded(np.array(d_accuracy.value), 4),
    }
