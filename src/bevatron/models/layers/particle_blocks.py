"""The parts of the Particle Transformer: embeddings of elements and pairs, and its blocks."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from bevatron.models.layers.batch_norm import BatchNorm
from bevatron.models.layers.dropout import Dropout
from bevatron.models.layers.encoder import SelfAttention
from bevatron.models.layers.lists_by_length import PaddedSets, Sets
from bevatron.models.layers.momenta import N_PAIR_FEATURES, pair_features
from bevatron.models.layers.pairs import Pairs
from bevatron.models.layers.registers import WithRegisters

PAIRS_AT_ONCE = 2**16  # pairs that are computed at a time outside of training, to limit the memory


class ElementEmbedding(nn.Module):
    """Batch normalisation of the features, then for each width layer normalisation, a linear layer and GELU."""

    def __init__(self, n_inputs: int, widths: list[int]):
        super().__init__()
        self.norm = BatchNorm(n_inputs)
        layers: list[nn.Module] = []
        for n, width in zip([n_inputs, *widths[:-1]], widths, strict=True):
            layers += [nn.LayerNorm(n), nn.Linear(n, width), nn.GELU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, lists: Sets) -> Tensor:
        """The elements of the lists, as they have them, of widths[-1] features."""
        return self.layers(self.norm(lists.elements, lists.present if isinstance(lists, PaddedSets) else None))


class PairEmbedding(nn.Module):
    """The features of pairs of momenta (`pair_features`), turned into a bias for each head of the attention.

    The layers are a batch normalisation, then, for each width and last for the heads, a linear layer, a batch
    normalisation and GELU. They are applied to the pairs that exist, once to each.
    """

    def __init__(self, widths: list[int], heads: int):
        super().__init__()
        sizes = [N_PAIR_FEATURES, *widths, heads]
        self.norms = nn.ModuleList(BatchNorm(size) for size in sizes)
        self.layers = nn.ModuleList(nn.Linear(n, size) for n, size in pairwise(sizes))

    def forward(self, momenta: Tensor, lists: Sets) -> list[Tensor]:
        """The output of `Momenta` for the elements of `lists` to a bias for each bucket, (n_lists, heads, n, n)."""
        pairs = Pairs(lists, momenta)
        first, second = pairs.members()
        if self.training or torch.is_grad_enabled() or torch.compiler.is_exporting():
            return pairs.as_bias(self._embed(first, second, pairs.present))
        parts = zip(*(values.split(PAIRS_AT_ONCE) for values in (first, second)), strict=True)
        return pairs.as_bias(torch.cat([self._embed(a, b, None) for a, b in parts]))

    def _embed(self, first: Tensor, second: Tensor, present: Tensor | None) -> Tensor:
        values = self.norms[0](pair_features(first, second), present)
        for layer, norm in zip(self.layers, self.norms[1:], strict=True):
            values = functional.gelu(norm(layer(values), present))
        return values


class ParticleBlock(nn.Module):
    """x + norm(c attention(norm(x))), then w x + feedforward(norm(x)), as in the Particle Transformer.

    c is a factor for each head, w one for each feature. The feedforward part has a further norm between its two layers
    (NormFormer, Shleifer et al., arXiv:2110.09456).

    Shapes: elements as the lists have them, of width features; returns the same.
    """

    def __init__(self, width: int, heads: int, feedforward: int, dropout: float):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = SelfAttention(width, heads, dropout)
        self.norm3, self.norm4 = nn.LayerNorm(width), nn.LayerNorm(feedforward)
        self.linear1, self.linear2 = nn.Linear(width, feedforward), nn.Linear(feedforward, width)
        self.head_scale = nn.Parameter(torch.ones(heads))
        self.residual_scale = nn.Parameter(torch.ones(width))
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor, lists: Sets, bias: list[Tensor] | None) -> Tensor:
        """Elements attend to those of their list; bias: see `SelfAttention`."""
        return self._finish(x, self.attention(self.norm1(x), lists, bias))

    def attend_to(self, tokens: Tensor, x: Tensor, longer: WithRegisters) -> Tensor:
        """A token for each list, (n_lists, width) in the order of `longer`, attends to itself and the elements x.

        After Touvron et al. (arXiv:2103.17239). Only the token changes.
        """
        both = self.norm1(longer.join_each(x, tokens.unsqueeze(1)))
        return self._finish(tokens, self.attention.attend_to(tokens, both, longer.lists))

    def _finish(self, x: Tensor, attended: Tensor) -> Tensor:
        scales = self.head_scale.repeat_interleave(x.shape[-1] // len(self.head_scale))
        x = x + self.dropout(self.norm3(attended * scales))
        hidden = self.dropout(functional.gelu(self.linear1(self.norm2(x))))
        return torch.addcmul(self.dropout(self.linear2(self.norm4(hidden))), x, self.residual_scale)
