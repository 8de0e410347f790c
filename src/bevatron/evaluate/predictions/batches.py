"""A split's samples as trained networks read them, for what looks into networks."""

from collections.abc import Generator

import torch
from torch import Tensor

from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.predictions.split_in_order import open_in_order
from bevatron.models.layers.inputs import Inputs, Padded
from bevatron.store.readers.batch import RaggedBatch
from bevatron.training.collate import Collate, input_groups, rows_at_once


def batches(
    context: EvaluationContext,
    split: str,
    targets: list[str],
    device: torch.device,
    at_once: int,
    groups: list[str] | None = None,
) -> Generator[tuple[Inputs, dict[str, Tensor]], None, None]:
    """In the order of the shards, up to `at_once` samples at a time: the inputs {group: (batch, ...)} of `groups`, by
    default the model's, and targets by name, which the caller may keep.
    """
    groups = context.model.inputs if groups is None else groups
    dataset = context.dataset_of(split)
    shapes = input_groups(dataset.manifest, groups)
    collate, rows = Collate(shapes, device), rows_at_once(shapes, at_once)
    with open_in_order(dataset, split, context.workflow, device, rows, groups, targets) as in_order:
        for batch in in_order:
            inputs = {name: _copy(group) for name, group in collate(batch["inputs"]).items()}
            yield inputs, {name: batch["targets"][name].clone() for name in targets}


def _copy(group: Tensor | RaggedBatch | Padded) -> Tensor | RaggedBatch | Padded:
    """The group in memory of its own: the reader uses its memory again."""
    match group:
        case RaggedBatch(values, lengths):
            return RaggedBatch(values.clone(), lengths.clone())
        case Padded(values, n_valid):
            return Padded(values.clone(), n_valid.clone())
    return group.clone()
