"""The first samples of the test split in memory, as what looks into networks changes and predicts them."""

from contextlib import closing
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.predictions.batches import batches
from bevatron.models.layers.inputs import Inputs, Padded
from bevatron.store.readers.batch import RaggedBatch, select_lists
from bevatron.store.shards.manifest import Manifest
from bevatron.training.collate import input_groups, rows_at_once


@dataclass(frozen=True)
class FirstSamples:
    """Inputs of a model and the target of the first samples, in the order of the split; at_once: how many of them a
    network should get together.
    """

    inputs: Inputs
    target: np.ndarray
    at_once: int

    def __len__(self) -> int:
        return len(self.target)


@dataclass(frozen=True)
class InputFeature:
    """One feature of an input group that is no image: its place along the group's last axis."""

    group: str
    name: str
    column: int


def read_first(context: EvaluationContext, n: int, device: torch.device, at_once: int) -> FirstSamples:
    """Up to n samples; all of them, where the split has fewer."""
    parts: list[tuple[Inputs, Tensor]] = []
    found = 0
    with closing(batches(context, "test", [context.target], device, at_once)) as read:
        for inputs, targets in read:
            target = targets[context.target]
            keep = min(len(target), n - found)
            parts.append((take(inputs, torch.arange(keep, device=device)), target[:keep]))
            found += keep
            if found == n:
                break
    inputs = {name: _join([part[name] for part, _ in parts]) for name in parts[0][0]}
    target = torch.cat([target for _, target in parts]).cpu().numpy()
    shapes = input_groups(context.dataset.manifest, context.model.inputs)
    return FirstSamples(inputs, target, rows_at_once(shapes, at_once))


def features_of(manifest: Manifest, groups: list[str]) -> list[InputFeature]:
    """Those of dense vectors and of lists, in the order of the groups; images have none."""
    with_features = [name for name in groups if manifest.groups[name].layout == "ragged" or _is_vector(manifest, name)]
    return [InputFeature(g, name, k) for g in with_features for k, name in enumerate(manifest.groups[g].features)]


def _is_vector(manifest: Manifest, group: str) -> bool:
    info = manifest.groups[group]
    return info.layout == "dense" and len(info.shape) <= 1


def take(inputs: Inputs, indices: Tensor) -> Inputs:
    """The samples `indices` (n,) int64 of a batch."""
    taken: Inputs = {}
    for name, group in inputs.items():
        if isinstance(group, Padded):
            taken[name] = Padded(group.values[indices], group.n_valid[indices])
        else:
            taken[name] = select_lists(group, indices) if isinstance(group, RaggedBatch) else group[indices]
    return taken


def values_of(group: Tensor | RaggedBatch | Padded) -> Tensor:
    """The numbers of a group: of a dense one (n, n_features), of lists those of all elements (total, n_features)."""
    return group if isinstance(group, Tensor) else group.values


def with_values(group: Tensor | RaggedBatch | Padded, values: Tensor) -> Tensor | RaggedBatch | Padded:
    """The group with other numbers, its lists as long as they were."""
    return values if isinstance(group, Tensor) else group._replace(values=values)


def _join(groups: list[Tensor | RaggedBatch | Padded]) -> Tensor | RaggedBatch | Padded:
    first = groups[0]
    if isinstance(first, RaggedBatch):
        lists = [group for group in groups if isinstance(group, RaggedBatch)]
        return RaggedBatch(torch.cat([g.values for g in lists]), torch.cat([g.lengths for g in lists]))
    if isinstance(first, Padded):
        raise TypeError("the store gives lists without padding")
    return torch.cat([group for group in groups if isinstance(group, Tensor)])
