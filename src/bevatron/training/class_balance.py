"""Weights in the loss with which rare classes count as much as frequent ones."""

import torch


def class_weights(counts: list[int], class_subset: tuple[int, ...] | None = None) -> torch.Tensor:
    """Weights inverse to the classes' fractions of the samples, of mean one over them; 0 of a class without any.

    With a class subset its classes alone count, and the others' weights are zero.
    """
    n = torch.tensor(counts, dtype=torch.float32)
    if class_subset is not None:
        in_subset = torch.zeros(len(n), dtype=torch.bool)
        in_subset[list(class_subset)] = True
        n = torch.where(in_subset, n, 0.0)
    return torch.where(n > 0, n.sum() / ((n > 0).sum() * n), 0.0)
