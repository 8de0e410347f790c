"""Lists as sequences: the first elements of all lists together, then the second ones, and so on."""

import torch
from torch import Tensor
from torch.nn import functional

from bevatron.models.layers.inputs import Lists, Padded
from bevatron.models.layers.list_order import ListOrder


class ListsByStep:
    """A batch of lists whose elements are rows (n_elements, width), step after step, as in a `PackedSequence`.

    The longest lists come first, so that the lists with an element at a step are the first of those at the step before.
    sizes: the number of lists at each step; there is one step at least.
    """

    def __init__(self, order: ListOrder, sizes: list[int], elements: Tensor):
        self._order, self.sizes, self.elements = order, sizes, elements

    @property
    def filled(self) -> float:
        """Elements as a fraction of the places that the lists would take if padded to the longest; 1 without any."""
        places = self.sizes[0] * len(self.sizes)
        return sum(self.sizes) / places if places else 1.0

    def steps(self, values: Tensor) -> list[Tensor]:
        """Rows (n_elements, width) to those of each step."""
        return list(values.split(self.sizes))

    def last(self, steps: list[Tensor]) -> Tensor:
        """Of each list the row at its last step, in the order of the batch: (batch, width); zero if empty."""
        following = [*self.sizes[1:], 0]
        ended = [rows[n:] for rows, n in zip(steps, following, strict=True)]
        return self._order.restore(torch.cat(ended[::-1]))

    def pad(self, values: Tensor) -> Padded:
        """Rows (n_elements, width) to (n_lists, n, width) of the lists that are not empty, the longest first."""
        padded = [functional.pad(rows, (0, 0, 0, self.sizes[0] - len(rows))) for rows in self.steps(values)]
        return Padded(torch.stack(padded, 1), self._order.lengths)

    def restore(self, rows: Tensor) -> Tensor:
        """One row for each list that is not empty, the longest first, in the order of the batch; others are zero."""
        return self._order.restore(rows)


class PaddedSteps:
    """The same for padded lists, (batch, n, width): every list is at every step. It is what ONNX can express."""

    filled = 1.0

    def __init__(self, elements: Tensor, n_valid: Tensor):
        self.elements, self._n_valid = elements, n_valid

    def steps(self, values: Tensor) -> list[Tensor]:
        """(batch, n, width) to n times (batch, width)."""
        return list(values.unbind(1))

    def last(self, steps: list[Tensor]) -> Tensor:
        """Of each list the row after its last element: (batch, width); zero for an empty list."""
        return self.restore(last_step(torch.stack(steps, 1), self._n_valid))

    def pad(self, values: Tensor) -> Padded:
        """The lists as they are."""
        return Padded(values, self._n_valid)

    def restore(self, rows: Tensor) -> Tensor:
        """One row for each list, (batch, width), with those of empty lists zero."""
        return rows * (self._n_valid > 0).unsqueeze(1)


Steps = ListsByStep | PaddedSteps


def by_step(lists: Lists) -> Steps:
    """The lists as sequences, in the form in which they come."""
    if isinstance(lists, Padded):
        return PaddedSteps(*lists)
    order = ListOrder(lists.lengths)
    return ListsByStep(order, order.lists_at_step(), lists.values.index_select(0, order.elements_by_step()))


def last_step(states: Tensor, n_valid: Tensor) -> Tensor:
    """The state after the last element present: (batch, n, width) to (batch, width); of an empty list the first."""
    index = (n_valid.clamp(min=1) - 1).view(-1, 1, 1).expand(-1, 1, states.shape[2])
    return states.gather(1, index).squeeze(1)
