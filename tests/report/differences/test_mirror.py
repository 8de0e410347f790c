"""Properties of every comparison, with reports that are drawn by chance."""

import numpy as np
import pytest

from bevatron.report.differences.compare import compare_reports

MIRRORED = {"only in A": "only in B", "only in B": "only in A"}


def draw(rng, report):
    """A report of a few metrics, claims and settings, each of which may be missing or odd."""
    for model in ("mlp", "cnn"):
        if rng.random() < 0.7:
            report.add_model(model, int(rng.integers(1, 4)))
        for metric in range(4):
            seeds = rng.choice([0.1, 0.2, 0.3], int(rng.integers(0, 4))).tolist()
            value, error = rng.choice(np.array([0.1, 0.5, 1e9, "inf", None], object)), rng.choice([0.0, 0.1, 1e-9])
            report.add_metric(f"m{metric}", value, rng.choice(np.array([float(error), None], object)), seeds, model)
    for k in range(4):
        margin = ("m", *rng.choice(np.array([-3.0, 0.1, 2.1, None], object), 3).tolist())
        if rng.random() < 0.8:
            report.add_claim(f"c{k}", str(rng.choice(["reproduced", "undecided"])), margin)
    report.part["settings"] = {key: int(rng.integers(2)) for key in "abc" if rng.random() < 0.8}
    report.versions = {key: str(rng.integers(2)) for key in ("torch", "numpy") if rng.random() < 0.8}


def test_a_comparison_with_itself_is_empty_and_one_in_reverse_is_the_mirror_image(hand_made, tmp_path):
    """Twenty pairs of odd reports."""
    for k in range(20):
        rng = np.random.default_rng(k)
        for letter in "ab":
            report = hand_made()
            draw(rng, report)
            report.write(tmp_path / f"{letter}{k}")
        a, b = tmp_path / f"a{k}", tmp_path / f"b{k}"
        assert compare_reports(a, a).identical
        there, back = compare_reports(a, b), compare_reports(b, a)

        forward = {str(c.key): (c.state, c.difference, c.distance, c.rate) for c in there.metrics}
        for change in back.metrics:
            state, difference, distance, rate = forward.pop(str(change.key))
            assert MIRRORED.get(state, state) == change.state
            np.testing.assert_allclose([-difference, -distance], [change.difference, change.distance], rtol=1e-9)
            assert rate == pytest.approx(change.rate)
        assert not forward
        assert {(c.id, c.a, c.b, MIRRORED.get(c.remark, c.remark)) for c in there.verdicts} == {
            (c.id, c.b, c.a, c.remark) for c in back.verdicts
        }
        for kind in ("settings", "code", "software", "digests"):
            assert {(c.key, c.a, c.b) for c in getattr(there, kind)} == {(c.key, c.b, c.a) for c in getattr(back, kind)}
