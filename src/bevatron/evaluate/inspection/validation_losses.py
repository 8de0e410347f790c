"""How fast fits converge: their validation loss after given numbers of epochs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bevatron.evaluate.inspection.history import read_history
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.store.records.runs import RunRecord


def measure_validation_losses(
    epochs: Sequence[int], trained: Sequence[tuple[tuple[RunRecord, ...], Path]], replicas: int
) -> dict[str, Measurement]:
    """The metrics `val_loss.at_<epoch>`: the validation loss after so many epochs, whichever weights were published.

    The validation split is the same for all seeds and no part of the bootstrap: the replicas of the test split are all
    alike, and the error is that of the seeds alone. No metric of an epoch without a validation in some run. trained: as
    in `measure_overtraining`; of a cross-validation each seed has the mean over the folds.
    """
    found: dict[str, Measurement] = {}
    histories = [[read_history(run, folder) for run in runs] for runs, folder in trained] if epochs else []
    for epoch in epochs:
        rows = [[history.get(epoch, {}).get("val_loss", np.nan) for history in of_fold] for of_fold in histories]
        losses = np.array(rows, np.float64)
        if not np.isfinite(losses).all():
            continue
        measured = measure([np.full(replicas + 1, loss) for loss in losses.mean(axis=0)], 0.68)
        if len(losses) > 1:
            measured = measured.with_folds([float(value) for value in losses.mean(axis=1)])
        found[f"val_loss.at_{epoch}"] = measured
    return found
