"""A model's networks by PyTorch, to the bits of the evaluation."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bevatron.apply.networks import part_of
from bevatron.compute.numerics.devices import deterministic, device_for
from bevatron.errors import UserError
from bevatron.models.layers.wide_linear import widen_layers
from bevatron.models.network import load_network
from bevatron.store.readers.batch import RaggedBatch, SparseBatch
from bevatron.store.readers.table import WIDER
from bevatron.store.records.preprocessing import PreprocessingRecord
from bevatron.store.shards.columns import Column, Ragged, Samples, SparseImages
from bevatron.training.collate import Collate
from bevatron.training.full_batches import FullBatches


class TorchNetworks:
    """The networks in `folders`, on the device of `accelerator`.

    Raises UserError for a folder that holds no network, and for one that reads other features than the record says.
    """

    def __init__(self, folders: Sequence[Path], record: PreprocessingRecord, accelerator: str):
        device = device_for(accelerator)
        loaded = [load_network(folder) for folder in folders]
        for folder, network in zip(folders, loaded, strict=True):
            read = {name: group.features for name, group in network.spec.inputs.items()}
            if read != {name: group.features for name, group in record.groups.items()}:
                what = f"reads {_listed(read)}, and the model's preprocessing makes {_listed(_features(record))}"
                raise UserError(folder / "model.json", what, "take weights and preprocessing of one training")
        self._networks = [widen_layers(network.to(device)) for network in loaded]
        self._groups, self._threads = loaded[0].spec.inputs, record.threads
        self._collate, self._complete = Collate(self._groups, device), FullBatches(self._groups)

    @property
    def predicts_width(self) -> bool:
        """Whether a regression's outputs are followed by the width of each."""
        return self._networks[0].spec.outputs == "gaussian"

    def longest(self, group: str) -> int | None:
        """The elements of a list that the networks read at most; None of a group without lists."""
        return self._groups[group].shape[0] if self._groups[group].is_ragged else None

    def computing(self) -> AbstractContextManager[None]:
        """Within it the outputs have the same bits in every run."""
        return deterministic(self._threads)

    def outputs(self, samples: Samples) -> np.ndarray:
        """(n_networks, n, n_outputs) float32, of n samples, one at least."""
        parts = []
        with torch.inference_mode():
            for start in range(0, len(samples), self._complete.rows):
                stop = min(start + self._complete.rows, len(samples))
                columns = {name: part_of(samples.inputs[name].column, start, stop) for name in self._groups}
                batch = self._complete(self._collate({name: _tensors(column) for name, column in columns.items()}))
                predicted = [network(batch)[: stop - start].float().cpu().numpy() for network in self._networks]
                parts.append(np.stack(predicted))
        return np.concatenate(parts, axis=1)


def _features(record: PreprocessingRecord) -> dict[str, tuple[str, ...]]:
    return {name: group.features for name, group in record.groups.items()}


def _listed(features: dict[str, tuple[str, ...]]) -> str:
    return "; ".join(f"{name}: {', '.join(names)}" for name, names in features.items())[:200]


def _tensors(column: Column) -> Any:
    """The column as the store's readers give it."""
    match column:
        case Ragged(values, offsets):
            return RaggedBatch(_tensor(values), torch.from_numpy(np.diff(offsets)))
        case SparseImages(index, value, offsets, shape):
            return SparseBatch(_tensor(index), _tensor(value), torch.from_numpy(offsets), shape)
    return _tensor(column.values)


def _tensor(values: np.ndarray) -> torch.Tensor:
    wider = WIDER.get(values.dtype.name)
    return torch.from_numpy(np.require(values, wider, ["C", "W"]))
