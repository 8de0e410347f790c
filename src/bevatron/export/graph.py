"""A network as an ONNX model: what it reads and gives, normalisation inside, nothing of this machine in it."""

import logging
import warnings
from importlib import import_module
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.export.auxiliary import auxiliary_outputs, auxiliary_ports
from bevatron.export.port import Port
from bevatron.models.layers.inputs import InputGroup, Inputs, Padded
from bevatron.models.network import Network
from bevatron.store.readers.batch import RaggedBatch, pad

OPSET = 18  # the oldest that PyTorch writes: onnxruntime 1.14 and later read it
BATCH = "batch"
N_VALID = "_n_valid"
PROBABILITIES, LOGITS, PREDICTION, WIDTH = "probabilities", "logits", "prediction", "width"
DETECTIONS = "detections"
Answers = Literal["classes", "labels", "boxes", "numbers"]
ANSWERS: dict[str, Answers] = {"classification": "classes", "multi_label": "labels", "detection": "boxes"}
"""By task what the outputs say: one of the classes, any of the labels, boxes; of all other tasks they are numbers."""


class Plain(nn.Module):
    """The network with its inputs in a row, as ONNX has them, and the outputs that a user expects.

    A dense group is one input; a list is two, its padded values (batch, n, features) and their number n_valid
    (batch,) int64. A classification gives probabilities (softmax) and logits, labels probabilities (sigmoid) and
    logits, a regression its prediction, and the width where it predicts one, a detection the boxes that are found.
    Behind these come the outputs of auxiliary tasks, as `export.auxiliary` has them.
    """

    def __init__(self, network: Network, answers: Answers):
        super().__init__()
        self.network, self.answers = network, answers

    def forward(self, *columns: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Columns (batch, ...) as `columns_of` gives them, to outputs (batch, n_outputs)."""
        inputs = inputs_of(self.network.spec.inputs, columns)
        if not self.network.spec.auxiliary:
            return self._of_task(self.network(inputs))
        outputs, heads = self.network.forward_with_auxiliary(inputs)
        of_task = self._of_task(outputs)
        of_task = of_task if isinstance(of_task, tuple) else (of_task,)
        return *of_task, *auxiliary_outputs(self.network.spec.auxiliary, heads, inputs)

    def _of_task(self, outputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        if self.answers == "classes":
            return torch.softmax(outputs, 1), outputs
        if self.answers == "labels":
            return torch.sigmoid(outputs), outputs
        return outputs.chunk(2, dim=1) if self.network.spec.outputs == "gaussian" else outputs


def inputs_of(groups: dict[str, InputGroup], columns: tuple[Tensor, ...]) -> Inputs:
    """The arrays in a row as a network takes them, by group."""
    row, inputs = iter(columns), {}
    for name, group in groups.items():
        inputs[name] = Padded(next(row), next(row)) if group.is_ragged else next(row)
    return inputs


def columns_of(groups: dict[str, InputGroup], inputs: Inputs) -> tuple[Tensor, ...]:
    """A batch's inputs by group as arrays in a row; lists are padded to the longest that the network reads."""
    row: list[Tensor] = []
    for name, group in groups.items():
        column = inputs[name]
        if isinstance(column, RaggedBatch):
            row += pad(column, group.shape[0])
        else:
            row += [column] if isinstance(column, Tensor) else column
    return tuple(row)


def input_ports(groups: dict[str, InputGroup], columns: tuple[Tensor, ...]) -> list[Port]:
    """The ONNX model's inputs, one for each of the columns."""
    ports = []
    for name, group in groups.items():
        dtype = str(columns[len(ports)].dtype).removeprefix("torch.")
        if group.is_ragged:
            meaning = f"up to {group.shape[0]} elements, zeros beyond {name}{N_VALID}"
            ports.append(Port(name, group.shape, dtype, meaning, name))
            ports.append(Port(f"{name}{N_VALID}", (), "int64", f"elements of {name} that there are", name))
        else:
            ports.append(Port(name, group.shape, dtype, "physical units, not normalised", name))
    return ports


def output_ports(network: Network, answers: Answers) -> list[Port]:
    """The ONNX model's outputs, in the order in which `Plain` gives them."""
    return [*_ports_of_task(network, answers), *auxiliary_ports(network.spec)]


def _ports_of_task(network: Network, answers: Answers) -> list[Port]:
    shape = (network.spec.n_outputs,)
    if answers == "boxes":
        row = (
            "x1, y1, x2, y2 as fractions of the image's width and height, score, class number; best first, -1: no more"
        )
        return [Port(DETECTIONS, (network.architecture.options.max_detections, 6), "float32", row)]
    if network.spec.outputs == "gaussian":
        half = (network.spec.n_outputs // 2,)
        return [
            Port(PREDICTION, half, "float32", "mean of the Gaussian of each number, in the target's unit"),
            Port(WIDTH, half, "float32", "standard deviation of that Gaussian, in the target's unit"),
        ]
    if answers == "numbers":
        several = "each predicted number, in the target's unit"
        one = "the predicted number, in the target's unit"
        meaning = several if network.spec.outputs == "numbers" else "one number for each class"
        return [Port(PREDICTION, shape, "float32", one if shape == (1,) else meaning)]
    if answers == "labels":
        return [
            Port(PROBABILITIES, shape, "float32", "of each label, sigmoid of the logits; each on its own"),
            Port(LOGITS, shape, "float32", "before the sigmoid: ln(p / (1 - p))"),
        ]
    return [
        Port(PROBABILITIES, shape, "float32", "of each class, softmax of the logits; they add up to 1"),
        Port(LOGITS, shape, "float32", "before the softmax: logarithms of the probabilities up to a constant"),
    ]


def onnx_model(plain: Plain, columns: tuple[Tensor, ...], inputs: list[Port], outputs: list[Port], where: str) -> Any:
    """The ONNX model (a protobuf), its first axes free. columns: a few real samples, two at least.

    Raises UserError, naming `where`, for a network that PyTorch cannot express in ONNX.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it tells of torchvision, which nobody asked for
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyTorch's own insides
        try:
            program = torch.onnx.export(
                plain,
                columns,
                dynamo=True,
                opset_version=OPSET,
                input_names=[port.name for port in inputs],
                output_names=[port.name for port in outputs],
                dynamic_shapes=(tuple({0: BATCH} for _ in columns),),
                verbose=False,
            )
        except Exception as error:  # each of the exporter's many passes has its own exceptions
            reason = " ".join(str(error.__cause__ or error).split())[:200]
            raise UserError(where, f"cannot be written as ONNX: {reason}", "see docs/how-to/export.md") from error
    if program is None:
        raise TypeError("PyTorch's exporter gave no program")
    return strip_notes(program.model_proto)


def strip_notes(model: Any) -> Any:
    """The model without the exporter's notes, which name files and lines of this machine."""
    graph = model.graph
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    model.ClearField("metadata_props")
    return model


def check_exportable(kind: str, where: str) -> None:
    """Raises UserError, naming `where`, for an architecture that says of itself why it cannot be ONNX (`NO_ONNX`)."""
    reason = getattr(ARCHITECTURES[kind], "NO_ONNX", None)
    if reason is not None:
        raise UserError(where, f"'{kind}' cannot be written as ONNX: {reason}", "use its weights.safetensors")


def check_packages() -> None:
    """Raises UserError where a package of the extra `export` is not installed."""
    for name in ("onnx", "onnxruntime", "onnxscript"):
        try:
            import_module(name)
        except ImportError as error:
            raise missing(error) from None


def missing(error: ImportError) -> UserError:
    """What is said to a user where a package of the extra `export` is not installed."""
    return UserError(error.name or "onnx", "is not installed, and writes ONNX files", "pip install 'bevatron[export]'")
