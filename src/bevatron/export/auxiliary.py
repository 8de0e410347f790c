"""Outputs of auxiliary tasks in an ONNX model, in which lists are padded."""

from collections.abc import Mapping

import torch
from torch import Tensor

from bevatron.export.port import Port
from bevatron.models.auxiliary.spec import AuxiliarySpec
from bevatron.models.layers.inputs import Inputs, Padded
from bevatron.models.network import NetworkSpec

SUFFIXES = {
    "element_classification": "class_probabilities",
    "same_vertex": "pair_probabilities",
    "regression": "prediction",
}


def output_name(task: str, spec: AuxiliarySpec) -> str:
    """The output's name: the name of the task and the kind of its values."""
    return f"{task}_{SUFFIXES[spec.kind]}"


def auxiliary_ports(network: NetworkSpec) -> list[Port]:
    """The outputs of all auxiliary tasks, in their order."""
    return [_port(name, spec, network) for name, spec in network.auxiliary.items()]


def _port(task: str, spec: AuxiliarySpec, network: NetworkSpec) -> Port:
    name = output_name(task, spec)
    if spec.kind == "regression":
        one = f"the predicted '{spec.target}' of the sample, in its unit"
        several = f"each predicted number of '{spec.target}' of the sample, in its unit"
        return Port(name, (spec.n_numbers,), "float32", one if spec.n_numbers == 1 else several, task=task)
    n = network.inputs[spec.group].shape[0]
    if spec.kind == "same_vertex":
        meaning = (
            f"probability that the elements i and j of {spec.group} come from the same vertex; 1 for an element with "
            "itself, 0 at padding"
        )
        return Port(name, (n, n), "float32", meaning, spec.group, task)
    meaning = f"probability of each class for each element of {spec.group}; they add up to 1, and are 0 at padding"
    return Port(name, (n, len(spec.classes)), "float32", meaning, spec.group, task, spec.classes)


def auxiliary_outputs(specs: Mapping[str, AuxiliarySpec], heads: dict[str, Tensor], inputs: Inputs) -> list[Tensor]:
    """The probabilities and numbers from the outputs of the heads over padded lists, in the order of the tasks.

    Shapes: (batch, n, n_classes) for classes of elements, (batch, n, n) for pairs, (batch, n_numbers) for regressions.
    """
    outputs = []
    for name, spec in specs.items():
        values = heads[name]
        if spec.kind == "regression":
            outputs.append(values)
            continue
        present = _is_present(inputs[spec.group]).to(values.dtype)
        if spec.kind == "element_classification":
            outputs.append(torch.softmax(values, 2) * present.unsqueeze(2))
            continue
        itself = torch.eye(values.shape[1], dtype=values.dtype, device=values.device)
        probabilities = torch.sigmoid(values) * (1.0 - itself) + itself
        outputs.append(probabilities * present.unsqueeze(1) * present.unsqueeze(2))
    return outputs


def _is_present(lists: object) -> Tensor:
    """Whether each place of padded lists has an element, (batch, n) bool."""
    if not isinstance(lists, Padded):
        raise TypeError("auxiliary tasks of elements read lists, expected padded ones")
    values, n_valid = lists
    return torch.arange(values.shape[1], device=values.device) < n_valid.unsqueeze(1)
