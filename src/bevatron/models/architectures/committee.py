"""A committee: trained networks, each asked for its opinion, and a network that judges by their answers."""

import torch
from pydantic import Field
from torch import Tensor, nn

from bevatron.config.loading.kinds import Options, architecture
from bevatron.config.sections.section import Count, Fraction, Name
from bevatron.models.layers.activation import ActivationName
from bevatron.models.layers.dense_layers import dense_layers
from bevatron.models.layers.initialisation import Initialisation, initialise
from bevatron.models.layers.inputs import InputGroup, Inputs
from bevatron.models.network import Network


@architecture("committee")
class Committee(nn.Module):
    """Dense layers over the outputs of the members, networks of the same study that were trained before.

    Members keep their weights and their normalisation, and are asked as they would be in use (no dropout). Of each the
    outputs for the classes of its class subset are read, less their mean, as logits are defined up to a constant.
    Members are saved with the committee: its weights are whole without them.

    Shapes: inputs {group: (batch, ...) or lists}, physical; returns (batch, n_outputs).
    """

    TASKS = ("classification",)

    class Options(Options):
        members: list[Name] = Field(description="models of this study whose outputs are read", min_length=1)
        widths: list[Count] = Field(default=[32], description="units of the hidden layers over the members' outputs")
        activation: ActivationName = Field(default="relu", description="of the hidden layers")
        dropout: Fraction = Field(
            default=0.0, description="fraction of hidden units set to zero in each training step", lt=1.0
        )
        initialisation: Initialisation = Field(default_factory=Initialisation, description="of the weights")

    def __init__(self, options: Options, inputs: dict[str, InputGroup], n_outputs: int, members: list[Network]):
        super().__init__()
        self.members = nn.ModuleList(members).requires_grad_(False)
        self.class_subsets = [member.answers for member in members]
        self.layers = dense_layers(
            sum(map(len, self.class_subsets)), options.widths, options.activation, options.dropout, n_outputs
        )
        initialise(self.layers, options.initialisation)

    def train(self, mode: bool = True) -> "Committee":
        """Members stay as they are in use."""
        super().train(mode)
        self.members.eval()
        return self

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs {group: (batch, ...) or lists} to outputs (batch, n_outputs)."""
        return self.layers(self.opinions(inputs))

    def opinions(self, inputs: Inputs) -> Tensor:
        """What the members say: (batch, sum over the members of the classes of their questions)."""
        with torch.no_grad():
            answers = [
                member(inputs)[:, subset] for member, subset in zip(self.members, self.class_subsets, strict=True)
            ]
        return torch.cat([answer - answer.mean(1, keepdim=True) for answer in answers], 1)
