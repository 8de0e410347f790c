"""Outputs of the heads of auxiliary tasks on the test split, a few samples at a time."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bevatron.compute.numerics.devices import deterministic, device_for
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.predictions.split_in_order import open_in_order
from bevatron.models.auxiliary.spec import AuxiliarySpec
from bevatron.models.network import load_network
from bevatron.store.readers.batch import RaggedBatch
from bevatron.training.collate import Collate, input_groups, rows_at_once

MOST_ROWS, MOST_PAIRS = 1_024, 2**22  # samples, and pairs of their elements, that are predicted at a time


class HeadOutputs(NamedTuple):
    """Some samples: the number of the first in the test split, how many; by target its values, of elements a
    RaggedBatch, on the CPU; of each network the outputs of its heads by task, on the CPU.
    """

    first: int
    n: int
    targets: dict[str, Tensor]
    element_targets: dict[str, RaggedBatch]
    outputs: list[dict[str, Tensor]]


def predict_auxiliary(
    context: EvaluationContext, specs: dict[str, AuxiliarySpec], most_rows: int = MOST_ROWS
) -> Iterator[HeadOutputs]:
    """The outputs of the heads `specs` of all networks of the context on its test split, in the order of the shards.

    Raises UserError for a network that predicts numbers that are not finite.
    """
    dataset, model, workflow = context.dataset, context.model, context.workflow
    device, groups = device_for(workflow.accelerator), input_groups(dataset.manifest, model.inputs)
    networks = [load_network(folder).to(device) for folder in context.folders]
    collate, done = Collate(groups, device), 0
    targets, element_targets = (
        list(dict.fromkeys(spec.target for spec in specs.values() if bool(spec.group) == of_elements))
        for of_elements in (False, True)
    )
    rows = _rows(context, specs, most_rows)
    with (
        deterministic(model.training.threads),
        torch.inference_mode(),
        open_in_order(dataset, "test", workflow, device, rows, model.inputs, targets, element_targets) as batches,
    ):
        for batch in batches:
            inputs, n = collate(batch["inputs"]), len(batch["id"])
            outputs = [network.forward_with_auxiliary(inputs).auxiliary for network in networks]
            on_cpu = [{name: values.float().cpu() for name, values in of.items()} for of in outputs]
            _check_finite(context, on_cpu)
            element_targets = {
                name: RaggedBatch(target.values.cpu(), target.lengths.cpu())
                for name, target in batch.get("element_targets", {}).items()
            }
            targets = {name: target.cpu() for name, target in batch["targets"].items()}
            yield HeadOutputs(done, n, targets, element_targets, on_cpu)
            done += n


def _rows(context: EvaluationContext, specs: dict[str, AuxiliarySpec], most_rows: int) -> int:
    """The number of samples at a time: fewer if lists may have many pairs."""
    groups = input_groups(context.dataset.manifest, context.model.inputs)
    longest = max((groups[spec.group].shape[0] for spec in specs.values() if spec.kind == "same_vertex"), default=0)
    return max(1, min(rows_at_once(groups, most_rows), MOST_PAIRS // max(longest * (longest - 1) // 2, 1)))


def _check_finite(context: EvaluationContext, outputs: list[dict[str, Tensor]]) -> None:
    for folder, of_network in zip(context.folders, outputs, strict=True):
        for name, values in of_network.items():
            if not np.isfinite(values.numpy()).all():
                what = f"predicts NaN or infinite numbers in the auxiliary task '{name}'"
                raise UserError(folder / "weights.safetensors", what, "train again with a lower learning rate")
