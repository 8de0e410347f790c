"""Metrics and curves of a regression on the test split."""

from typing import Any

import numpy as np

from bevatron.config.sections.model import Model
from bevatron.config.sections.task import Regression
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EvaluationContext, Predictions, evaluation
from bevatron.evaluate.statistics.bootstrap import Bootstrap
from bevatron.evaluate.statistics.gaussian_series import gaussian_series
from bevatron.evaluate.statistics.measurement import Measurement
from bevatron.evaluate.statistics.regression_curves import gaussian_curves, regression_curves
from bevatron.evaluate.statistics.series import Series, join_series, measure_series, root
from bevatron.store.shards.contract import TargetInfo


@evaluation("regression")
class RegressionEvaluation:
    """How far predictions lie from the target, and from the truth where it is known; of a Gaussian, whether its width
    is the spread that is found.
    """

    def targets(self, task: Regression, model: Model) -> list[str]:
        """As the interface says: the target, and the truth where the task names one."""
        return list(dict.fromkeys([model.target or task.target, *([task.truth] if task.truth else [])]))

    def outputs(self, task: Regression, target: TargetInfo) -> tuple[int, ...]:
        """As the interface says: a number for each of the target's, in its unit; then a width for each."""
        return (target.n_numbers * (2 if task.loss == "gaussian_nll" else 1),)

    def metrics(
        self, task: Regression, predictions: Predictions, bootstrap: Bootstrap, context: EvaluationContext
    ) -> tuple[dict[str, Measurement], dict[str, Any]]:
        """Of one number those of `regression_series`, `gaussian_series` and the curves of both.

        Of several numbers the same of each, as `<metric>.<name>`, and of all together `r2`, the mean, and `nll`, the
        sum, as they are predicted independent of each other; curves: {"parts": {name: curves}}. Of auto-encoders with
        one latent dimension those of `measure_invariant`, where the task asks for them.
        """
        names, n_numbers = context.target_info.names, context.target_info.n_numbers
        target = _columns(predictions.targets[context.target])
        truth = None if task.truth is None else _columns(predictions.targets[task.truth])
        if truth is not None and truth.shape != target.shape:
            what = f"the truth '{task.truth}' has {truth.shape[1]} numbers, the target '{context.target}' {n_numbers}"
            raise UserError(context.dataset.manifest_path, what, "fix task.truth in the study")
        series: dict[str, Series] = {}
        curves: dict[str, Any] = {}
        for k, name in enumerate(names or ("",)):
            of_number = target[:, k], None if truth is None else truth[:, k]
            mean = predictions.outputs[:, :, k].astype(np.float64)
            series[name] = regression_series(mean, *of_number, bootstrap)
            curves[name] = regression_curves(mean, *of_number, predictions.x, bootstrap.sample_weights)
            if task.loss == "gaussian_nll":
                width = predictions.outputs[:, :, n_numbers + k].astype(np.float64)
                series[name] |= gaussian_series(mean, width, target[:, k], bootstrap)
                curves[name] |= gaussian_curves(mean, width, target[:, k], bootstrap, context.confidence)
        latent, latent_curves = _latent(task, context, bootstrap)
        if not names:
            return measure_series(series[""] | latent, context.confidence), curves[""] | latent_curves
        together = join_series(series, {"r2": "mean", "nll": "sum"}) | latent
        return measure_series(together, context.confidence), {"parts": curves, **latent_curves}


def _latent(task: Regression, context: EvaluationContext, bootstrap: Bootstrap) -> tuple[Series, dict[str, Any]]:
    """Metrics and curves of the latent dimension, where the task asks for them and there are networks to look into."""
    if task.invariant is None or not context.folders:
        return Series({}), {}
    from bevatron.evaluate.inspection.invariant import measure_invariant  # torch

    return measure_invariant(task.invariant, context, bootstrap)


def _columns(values: np.ndarray) -> np.ndarray:
    """A target (n,) or (n, k) as (n, k) float64."""
    return values.reshape(len(values), -1).astype(np.float64)


def regression_metrics(
    predictions: np.ndarray, target: np.ndarray, truth: np.ndarray | None, bootstrap: Bootstrap, confidence: float
) -> dict[str, Measurement]:
    """The metrics of `regression_series`, measured."""
    return measure_series(regression_series(predictions, target, truth, bootstrap), confidence)


def regression_series(
    predictions: np.ndarray, target: np.ndarray, truth: np.ndarray | None, bootstrap: Bootstrap
) -> Series:
    """Every metric of one number by its name; predictions (n_seeds, n), target (n,) with noise, truth (n,) without, all
    in one unit.

    mse, rmse           mean square of target - prediction, and its root
    r2                  1 - mse / variance of the target: 1 is perfect, 0 is the best constant
    residual_mean/_std  mean and standard deviation of target - prediction
    and where the truth is known:
    noise               RMS of target - truth: what no model can predict, the least rmse
    rmse_over_noise     rmse / noise
    deviation           RMS of prediction - truth
    relative_deviation  deviation / standard deviation of the truth: 0 is perfect, 1 is the best constant
    """
    square, mean, missed = [], [], []
    for p in predictions:
        residual = target - p
        columns = [residual**2, residual] + ([] if truth is None else [(p - truth) ** 2])
        means = bootstrap.mean(np.stack(columns, axis=1))
        square.append(means[:, 0])
        mean.append(means[:, 1])
        missed.append(means[:, -1])
    columns = [_centred(target)] + ([] if truth is None else [_centred(truth), (target - truth) ** 2])
    of_data = bootstrap.mean(np.column_stack(columns)).T
    with np.errstate(divide="ignore", invalid="ignore"):  # a constant target: no such ratio
        r2 = [1.0 - s / _variance(of_data[:2]) for s in square]
    series = {
        "rmse": [root(s) for s in square],
        "mse": square,
        "r2": r2,
        "residual_mean": mean,
        "residual_std": [np.sqrt(np.maximum(s - m**2, 0.0)) for s, m in zip(square, mean, strict=True)],
    }
    if truth is not None:
        noise, scale = root(of_data[4]), np.sqrt(_variance(of_data[2:4]))
        deviation = [root(m) for m in missed]
        with np.errstate(divide="ignore", invalid="ignore"):  # no noise, or a constant truth: no such ratio
            series["noise"] = [noise] * len(predictions)
            series["rmse_over_noise"] = [root(s) / noise for s in square]
            series["deviation"] = deviation
            series["relative_deviation"] = [d / scale for d in deviation]
    return Series(series)


def _centred(values: np.ndarray) -> np.ndarray:
    """Distances of values (n,) from their mean, squared and as they are: (n, 2)."""
    around = values - values.mean()
    return np.stack([around**2, around], axis=1)


def _variance(means: np.ndarray) -> np.ndarray:
    """From the means of `_centred` on each replica, (2, replicas + 1): (replicas + 1,)."""
    return np.maximum(means[0] - means[1] ** 2, 0.0)
