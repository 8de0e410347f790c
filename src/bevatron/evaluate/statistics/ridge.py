"""Ridge regression whose strength its leave-one-out errors choose: scikit-learn's RidgeCV, without the second that
importing it takes in each of many small jobs.
"""

import numpy as np

STRENGTHS = np.logspace(-3, 5, 17)


def ridge_prediction(x: np.ndarray, y: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Y (n, k) as a linear function of x (n, p), found by ridge regression, for other samples (m, p): (m, k).

    Columns of x are standardised first. Of `STRENGTHS` that one is taken with the least mean squared error of all
    samples, each predicted from the others (PRESS; G. Golub, M. Heath and G. Wahba, Technometrics 21, 1979, 215).
    """
    mean, spread = x.mean(0), x.std(0)
    spread[spread == 0] = 1.0
    offset = y.mean(0)
    left, values, right = np.linalg.svd((x - mean) / spread, full_matrices=False)
    along = left.T @ (y - offset)

    def leave_one_out_error(strength: float) -> float:
        shrinkage = values**2 / (values**2 + strength)
        leverage = 1.0 / len(x) + left**2 @ shrinkage
        return float((((y - offset - left @ (shrinkage[:, None] * along)) / (1.0 - leverage)[:, None]) ** 2).mean())

    strength = min(STRENGTHS, key=leave_one_out_error)
    weights = right.T @ ((values / (values**2 + strength))[:, None] * along)
    return offset + (of - mean) / spread @ weights
