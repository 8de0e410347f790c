"""Overtraining is read off the course of a fit at the epoch whose weights were published."""

import numpy as np
import pytest
from run_records import run_record

from bevatron.config.sections.model import Model
from bevatron.errors import UserError
from bevatron.evaluate.inspection.overtraining import measure_overtraining
from bevatron.store.files.publish import sha256_of

ROWS = [(1, 0.8, 0.8), (2, 0.5, 0.6), (3, 0.4, 0.7), (4, 0.3, 0.9)]


@pytest.fixture
def runs(tmp_path):
    """Two seeds; the losses of the second are twice the first's, so that their ratios are the same."""
    found = []
    for seed in (0, 1):
        path = tmp_path / f"seed-{seed}" / "history.csv"
        path.parent.mkdir()
        rows = [f"{epoch},{(seed + 1) * train},{(seed + 1) * val}" for epoch, train, val in ROWS]
        path.write_text("\n".join(["epoch,train_loss,val_loss", *rows]) + "\n")
        files = {"history.csv": sha256_of(path)}
        found.append(run_record(seed, files=files, best_epoch=2, epochs=4))
    return found


def model(checkpoint):
    section = {"title": "t", "inputs": ["x"], "architecture": {"kind": "mlp", "widths": []}}
    return Model.model_validate({**section, "training": {"checkpoint": checkpoint}})


@pytest.mark.parametrize(("checkpoint", "ratio"), [("best", 0.6 / 0.5), ("last", 0.9 / 0.3)])
def test_of_the_published_weights(runs, tmp_path, checkpoint, ratio):
    found = measure_overtraining(model(checkpoint), [(runs, tmp_path)], 40)["overtraining"]
    assert np.isclose(found.value, ratio)
    assert found.seed_std == pytest.approx(0.0, abs=1e-9)
    assert len(found.replicas) == 40


def test_a_fit_without_a_history_has_none(runs, tmp_path):
    runs[1] = runs[1].model_copy(update={"files": {}})
    assert measure_overtraining(model("best"), [(runs, tmp_path)], 40) == {}


def test_a_changed_history_is_refused(runs, tmp_path):
    (tmp_path / "seed-1" / "history.csv").write_text("epoch,train_loss,val_loss\n2,1,1\n")
    with pytest.raises(UserError, match=r"seed-1/history.csv: .*SHA-256"):
        measure_overtraining(model("best"), [(runs, tmp_path)], 40)
