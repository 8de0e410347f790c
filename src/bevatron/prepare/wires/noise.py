"""Noise that wires with common electronics share, and the empty pixels that noise alone lifts above the threshold."""

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtr, ndtri

LEAST_NOISE = 1e-9  # kilo-electrons: no noise of a wire's own


def coherent_noise(
    height: int, boards: int, sigma: float, correlation: float, random: np.random.Generator
) -> np.ndarray:
    """(height, boards): the noise of each board's wires in each time pixel, of standard deviation `sigma`.

    correlation: of a board's noise in two pixels that follow each other, exp(-pixel / correlation time); boards are
    independent. An autoregressive process of first order, stationary from the first pixel.
    """
    drawn = random.normal(0.0, sigma, (height, boards))
    drawn[1:] *= np.sqrt(1 - correlation**2)
    return np.asarray(lfilter([1.0], [1.0, -correlation], drawn, axis=0))


def noise_above(
    shared: np.ndarray, boards: np.ndarray, sigma: float, threshold: float, signed: bool, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels whose noise alone is above the threshold: index (n,) int64 in C order of (height, width), value (n,).

    shared (height, n_boards): the boards' noise; boards (width,): the board of each wire, rising from 0; sigma: the
    noise of a wire's own; signed: also below minus the threshold. Of each board and time, the number of such wires is
    drawn, then which they are: the same as a draw for each wire, in a fraction of the time.
    """
    own = max(sigma, LEAST_NOISE)
    above = ndtr((shared - threshold) / own)
    below = ndtr((-shared - threshold) / own) if signed else np.zeros_like(above)
    sizes = np.bincount(boards, minlength=shared.shape[1])
    starts = np.cumsum(sizes) - sizes
    number = random.binomial(np.broadcast_to(sizes, shared.shape), np.minimum(above + below, 1.0))
    row, board = np.nonzero(number)
    order = random.random((len(row), sizes.max(initial=1)))
    order[np.arange(order.shape[1]) >= sizes[board][:, None]] = 2.0  # wires that the board has not
    order = np.argsort(order, axis=1)
    cell, rank = np.nonzero(np.arange(order.shape[1]) < number[row, board][:, None])
    up, down, common = (of[row[cell], board[cell]] for of in (above, below, shared))
    uniform = random.uniform(1e-12, 1.0, len(cell)) * (up + down)
    rises = uniform <= up
    tail = np.where(rises, uniform, np.maximum(uniform - up, 1e-300))
    value = common + np.where(rises, -1.0, 1.0) * own * ndtri(tail)
    return row[cell] * len(boards) + starts[board[cell]] + order[cell, rank], value
