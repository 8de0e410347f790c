"""A model's networks by onnxruntime: PyTorch is not imported."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from bevatron.apply.networks import part_of
from bevatron.errors import UserError
from bevatron.regular_files import read_bytes
from bevatron.store.records.preprocessing import preprocessing_from
from bevatron.store.shards.columns import Column, Dense, Ragged, Samples, SparseImages

KEY = "bevatron."
N_VALID = "_n_valid"
ROWS, PIXELS = 2_048, 2**24  # of a batch: fewer of large images


class OnnxNetworks:
    """The networks of ONNX files that `bevatron export` made, on the CPU.

    Raises UserError for a file that is none of these, and for files of different models.
    """

    def __init__(self, files: Sequence[Path]):
        self._sessions = [_open(path) for path in files]
        about = [session.get_modelmeta().custom_metadata_map for session in self._sessions]
        records = [
            preprocessing_from(facts.get(f"{KEY}preprocessing"), path) for facts, path in zip(about, files, strict=True)
        ]
        for path, record in zip(files, records, strict=True):
            if record != records[0]:
                raise UserError(path, f"is of another model than {files[0]}", "give files of one export")
        self.record = records[0]
        self.seeds = [_seed(facts, path) for facts, path in zip(about, files, strict=True)]
        self.fold = _fold(about[0], files[0])
        if any(_fold(facts, path) != self.fold for facts, path in zip(about, files, strict=True)):
            raise UserError(files[0], "is of another fold than the files beside it", "run `bevatron export` again")
        self._longest = {name: _longest(self._sessions[0], name) for name in self.record.groups}
        self._check_inputs(files[0])
        names = [port.name for port in self._sessions[0].get_outputs()]
        self._outputs = ["logits"] if "logits" in names else [name for name in ("prediction", "width") if name in names]
        pixels = sum(int(np.prod(group.shape)) for group in self.record.groups.values() if len(group.shape) == 3)
        self._rows = max(1, min(ROWS, PIXELS // max(1, pixels)))

    def _check_inputs(self, path: Path) -> None:
        made = set(self.record.groups)
        made |= {f"{name}{N_VALID}" for name, longest in self._longest.items() if longest is not None}
        if (read := {port.name for port in self._sessions[0].get_inputs()}) != made:
            what = f"reads {', '.join(sorted(read))}, and its preprocessing makes {', '.join(sorted(made))}"
            raise UserError(path, what, "run `bevatron export` again")

    @property
    def predicts_width(self) -> bool:
        """Whether a regression's outputs are followed by the width of each."""
        return "width" in self._outputs

    def longest(self, group: str) -> int | None:
        """The elements of a list that the networks read at most; None of a group without lists."""
        return self._longest[group]

    def computing(self) -> AbstractContextManager[None]:
        """The sessions have their number of threads from the beginning."""
        return nullcontext()

    def outputs(self, samples: Samples) -> np.ndarray:
        """(n_networks, n, n_outputs) float32, of n samples, one at least."""
        parts = []
        for start in range(0, len(samples), self._rows):
            stop = min(start + self._rows, len(samples))
            feed: dict[str, np.ndarray] = {}
            for name in self.record.groups:
                column = part_of(samples.inputs[name].column, start, stop)
                if isinstance(column, Ragged):
                    feed[name] = pad(column, self._longest[name] or 0)
                    feed[f"{name}{N_VALID}"] = column.lengths
                else:
                    feed[name] = _dense(column)
            predicted = [np.concatenate(session.run(self._outputs, feed), axis=1) for session in self._sessions]
            parts.append(np.stack(predicted))
        return np.concatenate(parts, axis=1)


def pad(lists: Ragged, longest: int) -> np.ndarray:
    """(n, longest, n_features), zeros behind the elements of each list, none of which has more."""
    padded = np.zeros((len(lists), longest, lists.values.shape[1]), lists.values.dtype)
    padded[np.arange(longest) < lists.lengths[:, None]] = lists.values
    return padded


def _dense(column: Column) -> np.ndarray:
    if isinstance(column, SparseImages):
        images = np.zeros((len(column), int(np.prod(column.shape))), column.value.dtype)
        images[np.repeat(np.arange(len(column)), np.diff(column.offsets)), column.index] = column.value
        return images.reshape(len(column), *column.shape)
    assert isinstance(column, Dense)
    return np.ascontiguousarray(column.values)


def _open(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        what = "is not installed, and computes ONNX files"
        raise UserError(error.name or "onnxruntime", what, "pip install 'bevatron[export]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(read_bytes(path), options, providers=["CPUExecutionProvider"])
    except FileNotFoundError:
        raise UserError(path, "no such file", "run `bevatron export`, which makes it") from None
    except Exception as error:  # onnxruntime's own classes, one for each of its codes
        if isinstance(error, UserError):
            raise
        reason = " ".join(str(error).split())[:150]
        raise UserError(
            path, f"is no ONNX file that can be computed: {reason}", "run `bevatron export` again"
        ) from None


def _seed(facts: dict[str, str], path: Path) -> int:
    text = facts.get(f"{KEY}seed", "")
    if not text.isdecimal():
        raise UserError(path, "does not say of which seed it is", "run `bevatron export` again")
    return int(text)


def _fold(facts: dict[str, str], path: Path) -> int | None:
    """Of a cross-validation, the fold that the network has not learned from."""
    text = facts.get(f"{KEY}fold", "")
    if text and not text.isdecimal():
        raise UserError(path, "does not say of which fold it is", "run `bevatron export` again")
    return int(text) if text else None


def _longest(session: Any, group: str) -> int | None:
    ports = {port.name: port.shape for port in session.get_inputs()}
    return int(ports[group][1]) if f"{group}{N_VALID}" in ports and group in ports else None
