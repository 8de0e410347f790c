"""The probability of a χ², as a compiled function."""

import math

from bevatron.compute.numerics.compiled import compiled

LARGEST = 1e4  # for a larger χ² the sums below are 0, or 0 times infinity


@compiled
def chi2_probability(chi2, ndf):
    """The probability that a χ² with `ndf` degrees of freedom (an int) exceeds `chi2`.

    It is 1 for ndf < 1, otherwise 0 for a chi2 that is negative or NaN. It is computed as a finite sum (Abramowitz and
    Stegun, 26.4.4 and 26.4.5). With x = χ²/2 this is Σ_{k < ndf/2} e^{-x} x^k / k! for even ndf, and erfc(√x) +
    Σ_{k < (ndf-1)/2} e^{-x} x^{k+1/2} / Γ(k + 3/2) for odd ndf.
    """
    if ndf < 1:
        return 1.0
    if not 0.0 <= chi2 < LARGEST:
        return 0.0
    x = 0.5 * chi2
    if ndf % 2 == 0:
        term, total = math.exp(-x), 0.0
        for k in range(ndf // 2):
            total += term
            term *= x / (k + 1)
    else:
        total, term = math.erfc(math.sqrt(x)), math.exp(-x) * 2 * math.sqrt(x / math.pi)
        for k in range((ndf - 1) // 2):
            total += term
            term *= x / (k + 1.5)
    return min(total, 1.0)
