"""Whether the ONNX model says what the network says, on real samples."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from bevatron.errors import UserError
from bevatron.export.auxiliary import output_name
from bevatron.export.graph import DETECTIONS, PREDICTION, WIDTH, Plain, columns_of
from bevatron.export.port import Port
from bevatron.models.network import Network
from bevatron.store.readers.reader import open_split
from bevatron.store.shards.dataset import Dataset
from bevatron.training.collate import Collate, input_groups

TOLERANCE = 1e-4
SAMPLES = 2_000
CUTS = (1, 3, 64)  # sizes of the first batches; the rest comes in one, so a batch axis that is not free shows


@dataclass(frozen=True)
class Agreement:
    """The largest difference of each output over so many samples: |onnx − torch| / max(1, |torch|); of numbers that the
    network scales to the target's unit, in standard deviations of the target (`_difference`); of boxes as they are.
    """

    samples: int
    differences: dict[str, float]

    @property
    def largest(self) -> float:
        """The largest of all outputs."""
        return max(self.differences.values())


def read_samples(dataset: Dataset, groups: list[str], budget_bytes: float) -> tuple[Tensor, ...]:
    """The first of the test split, up to 2,000, as the network's inputs in a row."""
    collate = Collate(input_groups(dataset.manifest, groups), torch.device("cpu"))
    with open_split(
        dataset, "test", batch_size=SAMPLES, groups=groups, targets=[], memory_budget_bytes=budget_bytes
    ) as reader:
        batch = next(iter(reader.epoch(0, 0, shuffle=False)))
        columns = columns_of(collate.groups, collate(batch["inputs"]))
        return tuple(column.clone() for column in columns)  # the reader's memory is its own


def measure_agreement(
    content: bytes, plain: Plain, columns: tuple[Tensor, ...], inputs: list[Port], outputs: list[Port], threads: int
) -> Agreement:
    """How far onnxruntime (on the CPU) and PyTorch are apart, in batches of several sizes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    n = len(columns[0])
    cuts = [0, *(cut for cut in np.cumsum(CUTS).tolist() if cut < n), n]
    worst = dict.fromkeys((port.name for port in outputs), 0.0)
    for first, last in pairwise(cuts):
        rows = tuple(column[first:last] for column in columns)
        with torch.inference_mode():
            expected = plain(*rows)
        feed = {port.name: row.numpy() for port, row in zip(inputs, rows, strict=True)}
        arrays = session.run(list(worst), feed)
        for name, ours, theirs in zip(worst, (expected,) if len(worst) == 1 else expected, arrays, strict=True):
            if not isinstance(theirs, np.ndarray):
                raise TypeError(f"onnxruntime gave no array for the output '{name}'")
            if name == DETECTIONS:
                difference = _difference_of_boxes(theirs, ours.numpy())
            else:
                difference = _difference(theirs, ours.numpy(), *_scaling(plain.network, name))
            worst[name] = max(worst[name], difference)
    return Agreement(n, worst)


def _scaling(network: Network, output: str) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Centre and scale of the numbers of an output; 0 and 1 where the network scales none."""
    layer = network.outputs
    for name, spec in network.spec.auxiliary.items():
        if spec.kind == "regression" and output == output_name(name, spec):
            numbers = network.head(name).outputs
            return numbers.centre.double().numpy(), numbers.scale.double().numpy()
    if layer.kind == "plain" or output not in (PREDICTION, WIDTH):
        return 0.0, 1.0
    scale = layer.scale.double().numpy()
    return (layer.centre.double().numpy() if output == PREDICTION else 0.0), scale


def _difference(
    actual: np.ndarray, expected: np.ndarray, centre: np.ndarray | float = 0.0, scale: np.ndarray | float = 1.0
) -> float:
    """The largest |actual - expected| over the largest of scale, |expected - centre| and |expected| / 100, below which
    single precision tells no numbers apart that lie far from zero.
    """
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        return float("inf")
    size = np.abs(expected.astype(np.float64))
    unit = np.maximum(np.maximum(scale, np.abs(expected - centre)), size / 100)
    return float((np.abs(actual.astype(np.float64) - expected) / unit).max())


def _difference_of_boxes(actual: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference of a row of an image (n, k, 6) from the row of the other that is closest to it.

    Two detections whose scores differ by less than single precision tells apart may come in either order.
    """
    if actual.shape != expected.shape or not np.isfinite(actual).all():
        return float("inf")
    between = np.abs(actual[:, :, None] - expected[:, None]).max(3)
    return float(max(between.min(1).max(initial=0.0), between.min(2).max(initial=0.0)))


def check_agreement(agreement: Agreement, where: str) -> None:
    """Raises UserError where the difference exceeds the tolerance."""
    if not agreement.largest <= TOLERANCE:
        name = max(agreement.differences, key=lambda key: agreement.differences[key])
        raise UserError(
            where,
            f"the ONNX model differs from PyTorch's by {agreement.largest:.2g} in '{name}' over {agreement.samples} "
            f"test samples; at most {TOLERANCE:g} is allowed, and nothing was written",
            "try another onnxruntime, and tell the developers which network this is",
        )
