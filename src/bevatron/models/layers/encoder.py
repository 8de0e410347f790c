"""The encoder of a transformer over lists: dense layers on elements that exist, attention among those of one list."""

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

from bevatron.models.layers.dropout import dropout
from bevatron.models.layers.lists_by_length import Sets


class SelfAttention(nn.Module):
    """softmax(q kᵀ / √d) v in each of several heads (Vaswani et al., arXiv:1706.03762, sec. 3.2).

    Its weights have the names and the first values of those of `nn.MultiheadAttention`. Shapes: elements as `lists`
    has them, of width features; returns the same.
    """

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.draws = dropout > 0  # random numbers of its own, for which a fit seeds each step
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, elements: Tensor, lists: Sets, bias: list[Tensor] | None = None) -> Tensor:
        """Each element to the mean of the values of its list's elements, weighted by how it attends to them.

        bias: for each bucket of `lists` what is added to q kᵀ / √d, (n_lists, heads, n, n), -inf where there is no
        element to attend to.
        """
        projected = functional.linear(elements, self.in_proj_weight, self.in_proj_bias)
        if bias is not None:
            parts = zip(lists.split(projected), bias, strict=True)
            return self.out_proj(lists.join([self._attend_with_bias(*part) for part in parts]))
        parts = zip(lists.split(projected), lists.buckets, strict=True)
        return self.out_proj(lists.join([self._attend(values, bucket.seen) for values, bucket in parts]))

    def attend_to(self, query: Tensor, elements: Tensor, lists: Sets) -> Tensor:
        """One element (n_lists, width) for each list, in the order of the buckets, attends to those of the list.

        elements: as `lists` has them; no list is empty. Returns the same shape as `query`.
        """
        width = query.shape[1]
        query = functional.linear(query, self.in_proj_weight[:width], self.in_proj_bias[:width])
        projected = functional.linear(elements, self.in_proj_weight[width:], self.in_proj_bias[width:])
        parts, dropout, first = [], self.dropout if self.training else 0.0, 0
        for values, bucket in zip(lists.split(projected), lists.buckets, strict=True):
            n_lists, n = values.shape[:2]
            part, first = query[first : first + n_lists], first + n_lists
            if n == 1 and not dropout:
                parts.append(values[:, 0, width:])
                continue
            q = part.view(n_lists, self.heads, 1, width // self.heads)
            k, v = (x.unflatten(2, (self.heads, width // self.heads)).transpose(1, 2) for x in values.chunk(2, 2))
            parts.append(functional.scaled_dot_product_attention(q, k, v, bucket.seen, dropout).flatten(1))
        return self.out_proj(torch.cat(parts))

    def _attend_with_bias(self, projected: Tensor, bias: Tensor) -> Tensor:
        """As `_attend`, by plain products: PyTorch's fused attention has no gradient of what is added."""
        n_lists, n, width = projected.shape[0], projected.shape[1], projected.shape[2] // 3
        size = width // self.heads
        if n == 1 and not (self.training and self.dropout):
            return projected[:, :, 2 * width :] + 0 * bias.sum()  # the gradient of the bias is zero, not missing
        query, key, value = projected.view(n_lists, n, 3, self.heads, size).permute(2, 0, 3, 1, 4).flatten(1, 2)
        scores = torch.baddbmm(bias.flatten(0, 1), query, key.transpose(1, 2), alpha=size**-0.5)
        weights = dropout(torch.softmax(scores, 2), self.dropout, self.training)
        return (weights @ value).view(n_lists, self.heads, n, size).transpose(1, 2).flatten(2)

    def _attend(self, projected: Tensor, seen: Tensor | None) -> Tensor:
        """Queries, keys and values of lists of one length (n_lists, n, 3 width) to (n_lists, n, width)."""
        n, width = projected.shape[1], projected.shape[2] // 3
        query, key, value = (
            part.unflatten(2, (self.heads, width // self.heads)).transpose(1, 2) for part in projected.chunk(3, 2)
        )
        if n == 1 and not (self.training and self.dropout):
            return projected[:, :, 2 * width :]  # all attention goes to the only element
        dropout = self.dropout if self.training else 0.0
        return functional.scaled_dot_product_attention(query, key, value, seen, dropout).transpose(1, 2).flatten(2)


class EncoderBlock(nn.Module):
    """x + attention(norm(x)), then x + feedforward(norm(x)): the order of Xiong et al. (arXiv:2002.04745).

    Its weights have the names and the first values of those of `nn.TransformerEncoderLayer`.
    """

    def __init__(self, width: int, heads: int, feedforward: int, dropout: float):
        super().__init__()
        self.self_attn = SelfAttention(width, heads, dropout)
        self.linear1 = nn.Linear(width, feedforward)
        self.linear2 = nn.Linear(feedforward, width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()

    def forward(self, x: Tensor, lists: Sets) -> Tensor:
        """Elements as `lists` has them, of width features; returns the same."""
        x = x + self.dropout(self.self_attn(self.norm1(x), lists))
        hidden = self.dropout(functional.gelu(self.linear1(self.norm2(x))))
        return x + self.dropout(self.linear2(hidden))


class Encoder(nn.Module):
    """Blocks, each with weights of its own, and a last normalisation; named as in `nn.TransformerEncoder`."""

    def __init__(self, width: int, heads: int, blocks: int, feedforward: int, dropout: float):
        super().__init__()
        block = EncoderBlock(width, heads, feedforward, dropout)
        self.layers = nn.ModuleList(deepcopy(block) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        for weight in self.parameters():  # the copies are alike: each draws its own
            if weight.dim() > 1:
                nn.init.xavier_uniform_(weight)

    def forward(self, x: Tensor, lists: Sets) -> Tensor:
        """Elements as `lists` has them, of width features; returns the same."""
        for block in self.layers:
            x = block(x, lists)
        return self.norm(x)
