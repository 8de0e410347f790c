"""Logits to probabilities, in double precision and without PyTorch."""

import numpy as np


def softmax(logits: np.ndarray) -> np.ndarray:
    """Over the last axis, (..., n_classes) float64."""
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Of each number, float64, without overflow."""
    return np.exp(-np.logaddexp(0.0, -logits.astype(np.float64)))
