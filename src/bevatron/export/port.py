"""What an ONNX model reads and gives."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Port:
    """An input or output of the ONNX model: a batch axis, then `shape`; `group` is the dataset's, for inputs and for
    outputs that are of its elements; task: the auxiliary task whose output it is; classes: of its last axis.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    meaning: str
    group: str = ""
    task: str = ""
    classes: tuple[str, ...] = ()
