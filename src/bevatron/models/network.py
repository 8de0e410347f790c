"""A whole network: normalisation, architecture and the outputs' units, described by plain values so that it can be
saved and rebuilt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn
from torch.nn import functional

from bevatron.config.loading.digest import seed_of
from bevatron.config.loading.kinds import ARCHITECTURES
from bevatron.config.loading.project_modules import check_code
from bevatron.errors import UserError
from bevatron.json_text import read_json
from bevatron.models.auxiliary.heads import WithAuxiliary, make_head
from bevatron.models.auxiliary.spec import AuxiliarySpec
from bevatron.models.closed_form import ClosedFormModel
from bevatron.models.layers.images import WithHeads
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.layers.normalise import Kind, Normalise
from bevatron.models.layers.outputs import OutputKind, Outputs
from bevatron.models.layers.physical import read_through
from bevatron.models.size_limit import size_limit
from bevatron.regular_files import read_bytes

PREFIX = "task_"  # of the names of heads in `Network.auxiliary`: a module cannot have every name
EXCLUDED_LOGIT = -1e4  # of a class outside the network's class subset: softmax gives it exactly zero in float32


@dataclass(frozen=True)
class NetworkSpec:
    """All that is needed to build the network again, but its weights.

    class_subset: the class numbers that the network tells apart, where not all; members: the networks in a committee;
    outputs: what they are, and so whether they come in a target's units (`models.layers.outputs`); auxiliary: the heads
    of auxiliary tasks by name.
    """

    architecture: dict[str, Any]
    inputs: dict[str, InputGroup]
    n_outputs: int
    normalise: Kind
    class_subset: tuple[int, ...] | None = None
    members: tuple["NetworkSpec", ...] = ()
    outputs: OutputKind = "plain"
    auxiliary: dict[str, AuxiliarySpec] = field(default_factory=dict)

    @property
    def kinds(self) -> set[str]:
        """The registered names of its architecture and of those of its members."""
        return {self.architecture["kind"]}.union(*(member.kinds for member in self.members))

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> "NetworkSpec":
        """From what `as_payload` made of it; raises KeyError, TypeError or ValueError for anything else."""
        inputs = {
            group["name"]: InputGroup(tuple(group["shape"]), tuple(group["features"]), group["is_ragged"])
            for group in payload["inputs"]
        }
        class_subset = payload.get("class_subset")
        return cls(
            architecture=payload["architecture"],
            inputs=inputs,
            n_outputs=payload["n_outputs"],
            normalise=payload["normalise"],
            class_subset=None if class_subset is None else tuple(class_subset),
            members=tuple(cls.from_payload(member) for member in payload.get("members", ())),
            outputs=payload.get("outputs", "plain"),
            auxiliary={head["name"]: _auxiliary(head) for head in payload.get("auxiliary", ())},
        )

    def as_payload(self) -> dict[str, Any]:
        """Plain values for JSON. The inputs are a list: the network depends on their order, which JSON's keys lose."""
        inputs = [{"name": name, **asdict(group)} for name, group in self.inputs.items()]
        payload = {**asdict(self), "inputs": inputs, "members": [member.as_payload() for member in self.members]}
        payload["auxiliary"] = [{"name": name, **head.as_payload()} for name, head in self.auxiliary.items()]
        return payload if self.auxiliary else {key: value for key, value in payload.items() if key != "auxiliary"}


def _auxiliary(payload: dict[str, Any]) -> AuxiliarySpec:
    return AuxiliarySpec.from_payload({key: value for key, value in payload.items() if key != "name"})


class Network(nn.Module):
    """Physical inputs to outputs: shapes {group: (batch, ...)} to (batch, n_outputs).

    A network with a class subset has an architecture of as many outputs as classes in it; the others are
    `EXCLUDED_LOGIT`.
    An architecture that makes its own losses gets the `truth` (batch, ...) to make them from, and returns them.
    Heads of auxiliary tasks are computed where they are asked for; what they read does not depend on them.

    auxiliary_statistics: by auxiliary regression, for each number of its target an object with mean and std.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        statistics: dict[str, dict[str, Any]] | None = None,
        target_statistics: Sequence[Any] | None = None,
        auxiliary_statistics: Mapping[str, Sequence[Any]] | None = None,
    ):
        super().__init__()
        self.spec = spec
        component = ARCHITECTURES[spec.architecture["kind"]]
        options = component.Options.model_validate(spec.architecture)
        self.normalise = Normalise(spec.normalise, spec.inputs, statistics)
        more = {"members": [Network(member) for member in spec.members]} if spec.members else {}
        self.architecture = component(options, spec.inputs, len(self.answers), **more)
        read_through(self.architecture, self.normalise)
        self.outputs = Outputs(spec.outputs, spec.n_outputs, target_statistics)
        if spec.auxiliary and not hasattr(self.architecture, "encode"):
            raise ValueError(f"'{spec.architecture['kind']}' encodes no elements for auxiliary tasks")
        heads = {
            PREFIX + name: make_head(
                head,
                self.architecture.element_width,
                self.architecture.sample_width,
                (auxiliary_statistics or {}).get(name),
            )
            for name, head in spec.auxiliary.items()
        }
        self.auxiliary = nn.ModuleDict(heads)

    @property
    def answers(self) -> list[int]:
        """The outputs that say something: those of the class subset, or all."""
        subset = self.spec.class_subset
        return list(range(self.spec.n_outputs)) if subset is None else list(subset)

    def head(self, name: str) -> Any:
        """The head of an auxiliary task."""
        return self.auxiliary[PREFIX + name]

    def forward_with_auxiliary(self, inputs: Inputs) -> WithAuxiliary:
        """The outputs, and by auxiliary task those of its head.

        Of an element classification logits (n_elements, n_classes), the elements in the order of the batch; of pairs
        logits (n_pairs,) in the order of `models.auxiliary.element_pairs`; of a regression numbers (batch, k) in the
        target's units. Of padded lists, which ONNX needs, logits (batch, n, n_classes) and (batch, n, n).
        """
        return self(inputs, with_auxiliary=True)

    def forward(
        self, inputs: Inputs, truth: Tensor | None = None, with_auxiliary: bool = False
    ) -> Tensor | WithHeads | WithAuxiliary:
        """The outputs, in training with those of auxiliary classifiers; with `truth` the architecture's own losses."""
        if with_auxiliary:  # within `forward`, as only that is seen by what distributes the weights
            encoding = self.architecture.encode(self.normalise(inputs))
            outputs = self._finish(self.architecture.decode(encoding))
            return WithAuxiliary(outputs, {name: self.head(name)(encoding) for name in self.spec.auxiliary})
        if truth is not None:
            return self.architecture(self.normalise(inputs), truth)
        outputs = self.architecture(self.normalise(inputs))
        if isinstance(outputs, WithHeads):
            return WithHeads(self._finish(outputs.outputs), tuple(map(self._finish, outputs.heads)))
        return self._finish(outputs)

    def _finish(self, outputs: Tensor) -> Tensor:
        return self.outputs(self._expand_classes(outputs))

    def _expand_classes(self, outputs: Tensor) -> Tensor:
        if self.spec.class_subset is None:
            return outputs
        with_excluded = functional.pad(outputs, (0, 1), value=EXCLUDED_LOGIT)
        index = {subset: i for i, subset in enumerate(self.answers)}
        return with_excluded[:, [index.get(k, len(index)) for k in range(self.spec.n_outputs)]]

    @property
    def n_weights(self) -> int:
        """Numbers that were fitted, members included."""
        solved = [m.n_fitted() for m in self.modules() if isinstance(m, ClosedFormModel)]
        return sum(p.numel() for p in self.parameters()) + sum(solved)


def draw_network(
    spec: NetworkSpec,
    seed: int,
    statistics: dict[str, dict[str, Any]] | None = None,
    target_statistics: Sequence[Any] | None = None,
    auxiliary_statistics: Mapping[str, Sequence[Any]] | None = None,
) -> Network:
    """The network with the initial weights that follow from a training's seed.

    Each head of an auxiliary task is drawn by itself, so that the others do not depend on it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of("weights", seed))
        network = Network(spec, statistics, target_statistics, auxiliary_statistics)
        for name in spec.auxiliary:
            torch.manual_seed(seed_of("auxiliary weights", seed, name))
            for module in network.head(name).modules():
                if isinstance(module, nn.Linear):
                    module.reset_parameters()
    return network


def weights_bytes(network: nn.Module) -> bytes:
    """Weights and buffers as safetensors: no pickle, and the same bytes for the same numbers.

    Where the weights are shared out over workers (FSDP), all of them must call this together.
    """
    return save_tensors({k: _gather(v).detach().cpu().contiguous() for k, v in network.state_dict().items()})


def _gather(weights: Tensor) -> Tensor:
    gather: Callable[[], Tensor] | None = getattr(weights, "full_tensor", None)  # of a DTensor
    return weights if gather is None else gather()


def load_network(folder: Path) -> Network:
    """The network in `folder`, from model.json and weights.safetensors, in evaluation mode on the CPU.

    Raises UserError where a file is missing, unreadable, or of another network than the other.
    """
    model_path, weights_path = folder / "model.json", folder / "weights.safetensors"
    spec, project_code = _load_model_json(model_path)
    if unknown := [kind for kind in sorted(spec.kinds) if kind not in ARCHITECTURES]:
        what = f"is no description of a network that is known here: it has the architecture '{unknown[0]}'"
        raise UserError(model_path, what, "use the project in which it was trained, or train the model again")
    check_code(model_path, project_code, *map(ARCHITECTURES.__getitem__, sorted(spec.kinds)))
    try:
        weights = load_tensors(read_bytes(weights_path))
    except (OSError, SafetensorError) as error:
        raise _no_weights(weights_path, error) from None
    try:
        with size_limit(weights):
            network = Network(spec)
    except (KeyError, TypeError, ValueError, RuntimeError, MemoryError) as error:  # sizes beyond any memory, say
        raise _no_spec(model_path, error) from None
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise _no_weights(weights_path, error) from None
    return network.eval()


def load_spec(path: Path) -> NetworkSpec:
    """What model.json says of the network; raises UserError where it says nothing of the kind."""
    return _load_model_json(path)[0]


def _load_model_json(path: Path) -> tuple[NetworkSpec, dict[str, str]]:
    """The network, and the code of its architecture where that is the project's own."""
    try:
        payload = read_json(path)
        spec = NetworkSpec.from_payload(payload["network"])
        if not all(isinstance(kind, str) for kind in spec.kinds):
            raise TypeError("architecture.kind")
        return spec, dict(payload.get("project_code", {}))
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _no_spec(path, error) from None


def _no_weights(path: Path, error: Exception) -> UserError:
    first = str(error).splitlines()[0]
    return UserError(path, f"does not hold this network's weights: {first}", "train the model again")


def _no_spec(path: Path, error: Exception) -> UserError:
    return UserError(path, f"is no description of a network: {error}", "train the model again")
