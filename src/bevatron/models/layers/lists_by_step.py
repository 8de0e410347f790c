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

    def first(self, values: Tensor) -> Tensor:
        """Of each list the row at its first step, in the order of the batch: (batch, width); zero if empty."""
        return self._order.restore(values[: self.sizes[0]])

    def pad(self, values: Tensor) -> Padded:
        """Rows (n_elements, width) to (n_lists, n, width) of the lists that are not empty, the longest first."""
        padded = [functional.pad(rows, (0, 0, 0, self.sizes[0] - len(rows))) for rows in self.steps(values)]
        return Padded(torch.stack(padded, 1), self._order.lengths)

    def restore(self, rows: Tensor) -> Tensor:
        """One row for each list that is not empty, the longest first, in the order of the batch; others are zero."""
        return self._order.restore(rows)

    def pair(self, values: Tensor) -> tuple[Tensor, "ListsByStep"]:
        """Each two neighbours (2i, 2i + 1) of a list as one row of twice the width, and the lists of these pairs.

        The last element of a list of odd length is joined by zeros.
        """
        steps = self.steps(values)
        if len(steps) % 2:
            steps.append(values[:0])
        left, right = steps[::2], steps[1::2]
        filled = [functional.pad(b, (0, 0, 0, len(a) - len(b))) for a, b in zip(left, right, strict=True)]
        pairs = torch.cat([torch.cat(left), torch.cat(filled)], 1)
        return pairs, ListsByStep(self._order, self.sizes[::2], pairs)


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

    def first(self, values: Tensor) -> Tensor:
        """Of each list the first row: (batch, width); zero for an empty list."""
        return self.restore(values[:, 0])

    def pad(self, values: Tensor) -> Padded:
        """The lists as they are."""
        return Padded(values, self._n_valid)

    def restore(self, rows: Tensor) -> Tensor:
        """One row for each list, (batch, width), with those of empty lists zero."""
        return rows * (self._n_valid > 0).unsqueeze(1)

    def pair(self, values: Tensor) -> tuple[Tensor, "PaddedSteps"]:
        """Each two neighbours (2i, 2i + 1) as one, absent ones as zeros: (batch, ⌈n / 2⌉, 2 width)."""
        n, width = values.shape[1:]
        present = torch.arange(n, device=values.device) < self._n_valid.unsqueeze(1)
        even = functional.pad(values * present.unsqueeze(2), (0, 0, 0, n % 2))
        pairs = even.reshape(values.shape[0], (n + 1) // 2, 2 * width)
        return pairs, PaddedSteps(pairs, (self._n_valid + 1) // 2)


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
