"""A whole network: normalisation and architecture, described by plain values so that it can be saved and rebuilt."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

from bevatron.config.kinds import ARCHITECTURES
from bevatron.errors import UserError
from bevatron.models.inputs import InputGroup, Inputs
from bevatron.models.normalise import Kind, Normalise


@dataclass(frozen=True)
class Description:
    """All that is needed to build the network again, but its weights."""

    architecture: dict[str, Any]
    inputs: dict[str, InputGroup]
    n_outputs: int
    normalise: Kind


class Network(nn.Module):
    """Physical inputs to outputs: shapes {group: (batch, ...)} to (batch, n_outputs)."""

    def __init__(self, description: Description, statistics: dict[str, dict[str, Any]] | None = None):
        super().__init__()
        self.description = description
        component = ARCHITECTURES[description.architecture["kind"]]
        options = component.Options.model_validate(description.architecture)
        self.normalise = Normalise(description.normalise, description.inputs, statistics)
        self.architecture = component(options, description.inputs, description.n_outputs)

    def forward(self, inputs: Inputs) -> Tensor:
        return self.architecture(self.normalise(inputs))

    @property
    def n_weights(self) -> int:
        return sum(p.numel() for p in self.parameters())


def weights_bytes(network: nn.Module) -> bytes:
    """Weights and buffers as safetensors: no pickle, and the same bytes for the same numbers.

    Where the weights are shared out over workers (FSDP), all of them must call this together.
    """
    return save_tensors({k: _whole(v).detach().cpu().contiguous() for k, v in network.state_dict().items()})


def _whole(weights: Tensor) -> Tensor:
    return weights.full_tensor() if hasattr(weights, "full_tensor") else weights


def load_network(folder: Path) -> Network:
    """The network in `folder`, from model.json and weights.safetensors, in evaluation mode on the CPU.

    Raises UserError where a file is missing, unreadable, or of another network than the other.
    """
    model_path, weights_path = folder / "model.json", folder / "weights.safetensors"
    try:
        tree = json.loads(model_path.read_text(encoding="utf-8"))["network"]
        inputs = {
            name: InputGroup(tuple(group["shape"]), tuple(group["features"]), group["listed"])
            for name, group in tree["inputs"].items()
        }
        network = Network(Description(tree["architecture"], inputs, tree["n_outputs"], tree["normalise"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(model_path, f"is no description of a network: {error}", "train the model again") from None
    try:
        network.load_state_dict(load_tensors(weights_path.read_bytes()))
    except (OSError, SafetensorError, RuntimeError) as error:
        first = str(error).splitlines()[0]
        raise UserError(
            weights_path, f"does not hold this network's weights: {first}", "train the model again"
        ) from None
    return network.eval()
