"""The variance between trainings, moderated over the models of a study.

A variance s² of n trainings has d = n - 1 degrees of freedom: with two trainings it says next to nothing. The models
of a study are of one kind, so that their variances are too: for the true ones a scaled inverse χ² distribution with
d₀ degrees of freedom around s₀² is assumed, and each measured one is drawn towards it (G. Smyth, Stat. Appl. Genet.
Mol. Biol. 3 (2004) 3):

    s̃² = (ν s₀² + d s²) / (ν + d),    a variance with ν + d degrees of freedom.

- The measured variances follow s₀² F(d, d₀), so that s₀² is their median over that of F(d, d₀): one model that varies
  much more than the others does not move it. The median alone would be too small by a factor of 1.8 for two trainings.
- d₀ is 4 (95 % of the true variances within 0.36 to 8.3 s₀²), or fewer where the measured variances differ by more than
  that: the variance of ln s² over the models is ψ'(d/2) + ψ'(d₀/2).
- A median of G variances is itself uncertain, by a relative variance V / G, so that it counts as 2 G / V degrees of
  freedom: 1/ν = 1/d₀ + V / (2 G).

Toys of known truth are in `tests/report/test_verdict_toys.py`; docs/explanation/verdicts.md shows what they give.
"""

from dataclasses import dataclass

import numpy as np

PRIOR_DEGREES = 4.0  # fixed before any result was decided with it
ENOUGH_MODELS = 4  # with fewer, variances are not moderated: so few do not say how they are distributed


@dataclass(frozen=True)
class SeedVariance:
    """A variance between trainings and its degrees of freedom."""

    value: float
    degrees: float


def moderate_variance(own: float, runs: int, of_models: np.ndarray) -> SeedVariance:
    """The variance `own` of one model's `runs` trainings, drawn towards those `of_models` of the study.

    of_models: variances of the same number in all models with as many trainings, the own one among them. Those of 0,
    where a number has reached a bound, say nothing of the others and are left out.
    """
    degrees = runs - 1
    varying = of_models[np.isfinite(of_models) & (of_models > 0)]
    if len(varying) < ENOUGH_MODELS:
        return SeedVariance(own, degrees)
    d0 = prior_degrees(varying, degrees)
    median, relative_variance = _median_of_f(degrees, d0)
    prior = float(np.median(varying)) / median
    weight = 1.0 / (1.0 / d0 + relative_variance / (2 * len(varying)))
    return SeedVariance((weight * prior + degrees * own) / (weight + degrees), weight + degrees)


def prior_degrees(variances: np.ndarray, degrees: int) -> float:
    """The prior's degrees of freedom: as the spread of the variances (models,) says, and at most `PRIOR_DEGREES`."""
    from scipy.optimize import root_scalar
    from scipy.special import polygamma

    excess = float(np.log(variances).var(ddof=1) - polygamma(1, degrees / 2))
    if excess <= polygamma(1, PRIOR_DEGREES / 2):
        return PRIOR_DEGREES
    fewest = 0.02
    if excess >= polygamma(1, fewest / 2):
        return fewest
    return float(root_scalar(lambda d: float(polygamma(1, d / 2)) - excess, bracket=(fewest, PRIOR_DEGREES)).root)


def _median_of_f(d: float, d0: float) -> tuple[float, float]:
    """The median of F(d, d₀), and the relative variance of the median of one variate, times their number."""
    from scipy.special import betaln, fdtri

    median = float(fdtri(d, d0, 0.5))
    x = d * median / d0
    log_density = d / 2 * np.log(x) - (d + d0) / 2 * np.log1p(x) - betaln(d / 2, d0 / 2)
    return median, float(1.0 / (2.0 * np.exp(log_density)) ** 2)  # 1 / (2 f(m) m)²
