"""One condition of a claim, and by how much it holds.

Every kind of claim comes down to linear conditions  δ = Σ c_i m_i + c_0 > 0  on measured numbers m_i. With z standard
deviations of a normal distribution, the error of δ is  z² σ(z)² = z² s² + Σ_k t_k(z)² r_k² / n_k:

- s, from the size of the test split: the standard deviation of δ over the bootstrap replicas, which all
  numbers of a study share, so that what is common to them cancels;
- r_k², from the training: the variance over the n_k trainings of model k of its part in δ, moderated over the models
  of the study. Seeds pair the metrics of one model and nothing else;
- t_k(z): Student's t of that variance's degrees of freedom, as probable as z is in a normal distribution. Sums of this
  form have at least the probability asked for, with any number of models (S. Banerjee, Sankhya 22 (1960) 351).

The distance of δ from 0 is the z for which |δ| = z σ(z). What depends on training and was trained once has none.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bevatron.report.claims.seed_variance import SeedVariance, moderate_variance
from bevatron.report.results.measured import Measured, Measurements

FARTHEST = 10.0  # standard deviations, beyond which none are distinguished: a probability of 1e-23


@dataclass(frozen=True)
class Condition:
    """δ = Σ coefficient × number + constant, which the claim says is above 0; `meaning` names δ's meaning."""

    terms: tuple[tuple[float, Measured], ...]
    constant: float
    meaning: str

    @property
    def models(self) -> list[str]:
        """The models whose metrics are compared."""
        return list(dict.fromkeys(m.trained for _, m in self.terms if m.trained is not None))

    def of_model(self, model: str | None) -> list[tuple[float, Measured]]:
        """The terms of one model; of None those of observables."""
        return [(c, m) for c, m in self.terms if m.trained == model]


@dataclass(frozen=True)
class Margin:
    """By how much a condition holds: δ, its error, δ for the worst combination of seeds, and its distance from 0.

    error: at the claim's standard deviations. distance: in standard deviations, NaN where it does not exist.
    """

    meaning: str
    value: float
    error: float
    worst_seed: float
    distance: float = np.nan

    @property
    def rank(self) -> float:
        """The distance for sorting: one that does not exist comes first."""
        return -np.inf if np.isnan(self.distance) else self.distance

    @cached_property
    def p_value(self) -> float:
        """How probable a distance of at least this is where the condition does not hold; 1 where there is none."""
        return 1.0 if np.isnan(self.distance) else _upper_tail(self.distance)

    @cached_property
    def p_value_against(self) -> float:
        """How probable a distance of at most this is where the condition holds; 1 where there is none."""
        return 1.0 if np.isnan(self.distance) else _upper_tail(-self.distance)


def compute_margin(condition: Condition, sigmas: float, measurements: Measurements) -> Margin:
    """δ of a condition, its error and its distance."""
    value = condition.constant + sum(c * m.value for c, m in condition.terms)
    worst = condition.constant + sum(c * m.value for c, m in condition.of_model(None))
    parts: list[tuple[SeedVariance, int]] = []
    split, once = _split_variance(condition), False
    for model in condition.models:
        terms = condition.of_model(model)
        per_seed = _sum_arrays(c * m.per_seed for c, m in terms)
        worst += float(np.min(per_seed)) if per_seed.size else np.nan
        if model in measurements.deterministic:
            continue
        if per_seed.size < 2:
            once = True
            continue
        own = float(per_seed.var(ddof=1))
        variance = moderate_variance(own, per_seed.size, _of_all_models(terms, per_seed.size, measurements))
        parts.append((variance, per_seed.size))
    margin = Margin(condition.meaning, float(value), np.nan, float(worst))
    if not (np.isfinite(value) and np.isfinite(split)):
        return margin
    margin = replace(margin, error=_reach(sigmas, split, parts) / sigmas)
    return margin if once else replace(margin, distance=compute_distance(float(value), split, parts))


def _of_all_models(terms: list[tuple[float, Measured]], runs: int, measurements: Measurements) -> np.ndarray:
    """The variance over the trainings of the same combination of metrics, for each model that has them."""
    variances = []
    for name in measurements.models:
        found = [(c, measurements.like(m, name)) for c, m in terms]
        if name in measurements.deterministic or any(m is None for _, m in found):
            continue
        per_seed = _sum_arrays(c * m.per_seed for c, m in found if m is not None)
        if per_seed.size == runs:
            variances.append(per_seed.var(ddof=1))
    return np.array(variances)


def _split_variance(condition: Condition) -> float:
    if not condition.terms:
        return 0.0  # exact, not measured
    replicas = _sum_arrays(c * m.replicas for c, m in condition.terms)
    finite = replicas[np.isfinite(replicas)]
    if len(finite) < 0.9 * len(replicas) or len(finite) < 2:
        return np.nan
    from_replicas = float(finite.var(ddof=1))
    if len(condition.terms) == 1:  # a fraction near 0 or 1 has replicas that hardly vary: its own error knows better
        coefficient, number = condition.terms[0]
        return max(from_replicas, (coefficient * number.split_error) ** 2)
    return from_replicas


def _sum_arrays(arrays: Iterable[np.ndarray]) -> np.ndarray:
    return sum(arrays, start=np.zeros(()))


def _reach(z: float, split: float, parts: list[tuple[SeedVariance, int]]) -> float:
    """Z σ(z): how far from 0 a δ of true value 0 is with the probability that a normal one is beyond z."""
    from scipy.special import ndtr, stdtrit

    variance = z**2 * split
    for seeds, runs in parts:
        variance += float(stdtrit(seeds.degrees, ndtr(-z))) ** 2 * seeds.value / runs
    return float(np.sqrt(variance))


def compute_distance(value: float, split: float, parts: list[tuple[SeedVariance, int]]) -> float:
    """The distance of a value from 0 in standard deviations of a normal distribution.

    split: the value's variance from the test split; parts: for each model the variance between its trainings, and
    their number. Infinite beyond `FARTHEST`.
    """
    from scipy.optimize import root_scalar

    size, sign = abs(value), float(np.sign(value))
    if value == 0 or _reach(FARTHEST, split, parts) <= size:
        return np.inf * sign if value else 0.0
    if not parts:
        return value / float(np.sqrt(split))
    return sign * float(root_scalar(lambda z: _reach(z, split, parts) - size, bracket=(0.0, FARTHEST)).root)


def _upper_tail(z: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(-z))
