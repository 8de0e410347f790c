"""By how much a fit does better on what it learned from than on what it did not."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bevatron.config.sections.model import Model
from bevatron.evaluate.inspection.history import read_history
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.store.records.runs import RunRecord


def measure_overtraining(
    model: Model, trained: Sequence[tuple[tuple[RunRecord, ...], Path]], replicas: int
) -> dict[str, Measurement]:
    """The metric `overtraining`: validation loss over training loss at the epoch whose weights were published.

    1 is none; more says that what was learned holds for the training samples alone. The training loss is the mean over
    the steps since the validation before, with dropout, so that the ratio rather falls short. It varies with the seeds
    alone: its bootstrap replicas of the test split are all alike. No metric where a run has no such history (a fit in
    closed form) or a loss is not positive. trained: the entries of a runs.json, and its folder; of a cross-validation
    those of each fold, with the same seeds, of whose ratios each seed has the mean.
    """
    ratios = [[_ratio(model, run, folder) for run in runs] for runs, folder in trained]
    of_folds = np.array([[ratio or np.nan for ratio in of_fold] for of_fold in ratios], np.float64)
    if not np.isfinite(of_folds).all():
        return {}
    measured = measure([np.full(replicas + 1, ratio) for ratio in of_folds.mean(axis=0)], 0.68)
    if len(of_folds) == 1:
        return {"overtraining": measured}
    return {"overtraining": measured.with_folds([float(value) for value in of_folds.mean(axis=1)])}


def _ratio(model: Model, run: RunRecord, folder: Path) -> float | None:
    epoch = run.best_epoch if model.training.checkpoint == "best" else run.epochs
    row = read_history(run, folder).get(epoch)
    if row is None:
        return None
    train, val = row["train_loss"], row["val_loss"]
    return val / train if train > 0 and val > 0 else None
