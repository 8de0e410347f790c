"""Edge convolution: each element is updated from its nearest neighbours."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from bevatron.models.layers.batch_norm import BatchNorm
from bevatron.models.layers.lists_by_length import PaddedSets, Sets
from bevatron.models.layers.neighbours import nearest_neighbours


class EdgeConvolution(nn.Module):
    """x_i' = relu(shortcut(x_i) + mean_j h(x_i, x_j − x_i)) over the k nearest neighbours j (Wang et al.,
    arXiv:1801.07829, as Qu and Gouskos use it, arXiv:1902.08570, sec. II B).

    h is linear layers without bias, each with batch normalisation and relu; the shortcut is linear with batch
    normalisation, or the identity where the widths agree. As the first layer is linear, A x_i + B (x_j − x_i) =
    (A − B) x_i + B x_j is computed from one product for each element instead of one for each edge.

    Shapes: elements as `lists` has them, of n_inputs features; returns widths[-1] of each.
    """

    def __init__(self, n_inputs: int, widths: list[int], k: int):
        super().__init__()
        self.k = k
        sizes = [2 * n_inputs, *widths]
        layers = [nn.Linear(n, units, bias=False) for n, units in zip(sizes[:-1], widths, strict=True)]
        self.first, self.hidden = layers[0], nn.ModuleList(layers[1:])
        self.norms = nn.ModuleList(BatchNorm(units, relu=True) for units in widths)
        self.shortcut = None
        if n_inputs != widths[-1]:
            self.shortcut, self.shortcut_norm = nn.Linear(n_inputs, widths[-1], bias=False), BatchNorm(widths[-1])

    def forward(self, elements: Tensor, points: Tensor, lists: Sets) -> Tensor:
        """Elements, and points between which distances are measured, both in the form of the lists' elements."""
        graph = nearest_neighbours(lists, points, self.k)
        of_element, of_difference = self.first.weight.chunk(2, 1)
        both = functional.linear(elements, torch.cat([of_element - of_difference, of_difference]))
        edges = graph.connect(*both.chunk(2, -1))
        edges = self.norms[0](edges, graph.present)
        for layer, norm in zip(self.hidden, self.norms[1:], strict=True):
            edges = norm(layer(edges), graph.present)
        if self.shortcut is not None:
            present = lists.present if isinstance(lists, PaddedSets) else None
            elements = self.shortcut_norm(self.shortcut(elements), present)
        return torch.relu(elements + graph.mean(edges))
