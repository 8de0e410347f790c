"""From conditions on measured numbers to a verdict.

Every kind of claim comes down to linear conditions  δ = Σ c_i m_i + c_0 > 0  on measured numbers m_i. The
error of δ is σ² = s² + Σ_k (t_k r_k)² / n_k:

- s, from the size of the test split: the standard deviation of δ over the bootstrap replicas, which all
  numbers of a study share, so that what is common to them cancels;
- r_k, from the training: the standard deviation over the n_k seeds of model k of its part in δ. Seeds pair
  the metrics of one model and nothing else. A spread seen in a few seeds is itself uncertain: Student's
  factor t_k widens it so that z σ keeps the normal distribution's probability (z = 2: 2.3 for three seeds,
  1.4 for five).

A condition holds for δ > z σ, fails for δ < -z σ, and is open in between or where a number does not exist.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bevatron.report.results.measured import Measured
from bevatron.store.records.claims import Verdict


@dataclass(frozen=True)
class Condition:
    """δ = Σ coefficient × number + constant, which the claim says is above 0; `words` name δ's meaning."""

    terms: tuple[tuple[float, Measured], ...]
    constant: float
    meaning: str


@dataclass(frozen=True)
class Margin:
    """By how much a condition holds: δ, its error, and δ in standard deviations (infinite without error)."""

    meaning: str
    value: float
    error: float
    worst_seed: float

    @property
    def distance(self) -> float:
        """δ in standard deviations; NaN where either does not exist."""
        if not (np.isfinite(self.value) and np.isfinite(self.error)):
            return np.nan
        if self.error > 0:
            return self.value / self.error
        return np.inf * np.sign(self.value) if self.value else 0.0


@dataclass(frozen=True)
class Decision:
    """A verdict, the numbers behind it, the margin nearest to failing, and one line that says it."""

    verdict: Verdict
    numbers: tuple[Measured, ...]
    margins: tuple[Margin, ...]
    sentence: str
    notes: tuple[str, ...] = ()

    @property
    def decisive(self) -> Margin:
        """The margin that decides: the lowest, in standard deviations; one without a value before all."""
        return min(self.margins, key=lambda m: -np.inf if np.isnan(m.distance) else m.distance)


def decide(
    conditions: list[Condition],
    numbers: list[Measured],
    sentence: str,
    sigmas: float,
    every_seed: bool = False,
) -> Decision:
    """Reproduced if all conditions hold, not reproduced if one fails, else undecided."""
    margins = tuple(compute_margin(c, sigmas) for c in conditions)
    notes = []
    if any(m.distance < -sigmas for m in margins):
        verdict: Verdict = "not reproduced"
    elif all(m.distance > sigmas for m in margins):
        verdict = "reproduced"
        if every_seed and min(m.worst_seed for m in margins) <= 0:
            verdict = "undecided"
            notes.append("true on average, but not for every seed")
    else:
        verdict = "undecided"
    missing = [n.label for n in numbers if not np.isfinite(n.value)]
    if missing:
        notes.append(f"no value for {', '.join(missing)} at this scale")
    single = sorted({n.trained for n in numbers if n.trained and len(n.per_seed) == 1})
    if single:
        notes.append(f"one seed of {', '.join(single)}: the spread between trainings is not known")
    return Decision(verdict, tuple(numbers), margins, sentence, tuple(notes))


def compute_margin(condition: Condition, sigmas: float) -> Margin:
    """δ of a condition, its error, and its value for the worst combination of seeds."""
    terms = condition.terms
    value = condition.constant + sum(c * m.value for c, m in terms)
    variance, worst = _split_variance(condition), condition.constant
    for trained in dict.fromkeys(m.trained for _, m in terms):
        terms_of_model = [(c, m) for c, m in terms if m.trained == trained]
        if trained is None:
            worst += sum(c * m.value for c, m in terms_of_model)
            continue
        per_seed = _sum_arrays(c * m.per_seed for c, m in terms_of_model)
        worst += np.min(per_seed)
        if len(per_seed) > 1:
            widened = _student(sigmas, len(per_seed) - 1) * per_seed.std(ddof=1)
            variance += widened**2 / len(per_seed)
    return Margin(condition.meaning, float(value), float(np.sqrt(variance)), float(worst))


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


def _student(sigmas: float, degrees: int) -> float:
    """How much wider Student's t is than the normal distribution, at equal probability beyond `sigmas`."""
    from scipy.special import ndtr, stdtrit

    return float(stdtrit(degrees, ndtr(sigmas)) / sigmas)
