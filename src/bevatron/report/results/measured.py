"""Numbers as the evaluation published them, and the error of sums and differences of them."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bevatron.errors import UserError
from bevatron.near_names import did_you_mean
from bevatron.store.records.metrics import MetricRecord, Replicas


@dataclass(frozen=True)
class Measured:
    """One metric with its uncertainty.

    trained: the model whose runs it was measured on, None for an observable; per_seed (n_seeds,) is empty
    without. replicas (b,): values on the bootstrap replicas of the test split, which all metrics of one
    dataset share. per_fold, fold_std: of a cross-validation, its values on the folds by themselves and their spread,
    which is no part of the error. metric, variation, shift: where it is found among the measurements. Numbers that do
    not exist are NaN.
    """

    label: str
    value: float
    error: float
    low: float
    high: float
    per_seed: np.ndarray
    replicas: np.ndarray
    trained: str | None = None
    unit: str = ""
    split_error: float = np.nan
    per_fold: tuple[float, ...] = ()
    fold_std: float | None = None
    metric: str = ""
    variation: str | None = None
    shift: bool = False

    @classmethod
    def from_record(
        cls, metric: MetricRecord, replicas: Replicas, label: str, trained: str | None, name: str = ""
    ) -> "Measured":
        """A published metric with its bootstrap replicas; name: the metric's."""
        per_seed = _array(metric.per_seed)
        error, seed_std = _number(metric.error), _number(metric.seed_std)
        of_mean = seed_std / np.sqrt(len(per_seed)) if np.isfinite(seed_std) else 0.0
        return cls(
            label,
            *(_number(getattr(metric, key)) for key in ("value", "error", "low", "high")),
            per_seed=per_seed,
            replicas=_array(replicas),
            trained=trained,
            unit=metric.unit,
            split_error=np.sqrt(max(error**2 - of_mean**2, 0.0)) if np.isfinite(error) else np.nan,
            per_fold=tuple(_number(value) for value in metric.per_fold),
            fold_std=metric.fold_std,
            metric=name,
        )


@dataclass(frozen=True)
class Measurements:
    """All metrics of a study: of each model by name, and of the observables as `<observable>.<metric>`.

    varied: by variation and model, the metrics under it; shifts: these minus the nominal ones. deterministic: models
    that every training makes alike; improving: those that still were when their training ended. collapsed: of models
    that make images, the seeds whose generator collapsed. titles: of the models.
    """

    models: dict[str, dict[str, Measured]]
    observables: dict[str, Measured]
    files: dict[str | None, Path]
    varied: dict[str, dict[str, dict[str, Measured]]] = field(default_factory=dict)
    shifts: dict[str, dict[str, dict[str, Measured]]] = field(default_factory=dict)
    deterministic: frozenset[str] = frozenset()
    improving: frozenset[str] = frozenset()
    collapsed: dict[str, tuple[int, ...]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)

    def of_model(self, model: str, metric: str, variation: str | None = None, shift: bool = False) -> Measured:
        """A model's metric, under a variation, or its shift; raises UserError where there is none."""
        if variation is None:
            return self._find(self.models[model], metric, self.files[model])
        return self._find((self.shifts if shift else self.varied)[variation][model], metric, self.files[model])

    def of_observable(self, observable: str, metric: str) -> Measured:
        """An observable's metric; raises UserError where there is none."""
        return self._find(self.observables, f"{observable}.{metric}", self.files[None])

    def like(self, measured: Measured, model: str) -> Measured | None:
        """The same metric, under the same variation, of another model; None where it has none."""
        metrics = self.models
        if measured.variation is not None:
            metrics = (self.shifts if measured.shift else self.varied)[measured.variation]
        return metrics.get(model, {}).get(measured.metric)

    def title(self, model: str) -> str:
        """The model's title, or its name where it has none."""
        return self.titles.get(model) or model

    @staticmethod
    def _find(metrics: dict[str, Measured], name: str, file: Path) -> Measured:
        """Raises UserError, with the names there are, for a metric that was not measured."""
        if name not in metrics:
            raise UserError(
                file,
                f"has no metric '{name}'{did_you_mean(name, metrics)}; it has: {', '.join(sorted(metrics))}",
                "fix the claim's test",
            )
        return metrics[name]


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)


def _array(values: Replicas) -> np.ndarray:
    return np.array([_number(v) for v in values], np.float64)
