"""A recurrent layer with long short-term memory over the elements that exist."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from bevatron.models.layers.lists_by_step import ListsByStep, PaddedSteps, Steps, last_step

WELL_FILLED = 0.7  # above, PyTorch's kernel over padded lists on a CPU is faster than steps over the elements alone

_sigmoid_gradient = torch.ops.aten.sigmoid_backward.grad_input
_tanh_gradient = torch.ops.aten.tanh_backward.grad_input
_GRADIENTS = (_sigmoid_gradient, _tanh_gradient, _sigmoid_gradient)


class ListLSTM(nn.LSTM):
    """PyTorch's LSTM, weights and all, that reads lists in their order and gives the state after the last element.

    Three ways to the same numbers: on a GPU the kernel for packed sequences; on a CPU that for padded lists where they
    are well filled, and else steps over the lists that have an element left. (PyTorch's own kernel for packed sequences
    costs a pass over all elements in each step there.)
    """

    def forward(self, lists: Steps) -> Tensor:
        """Lists with elements of n_features to their last states (batch, width); zero for an empty list."""
        if isinstance(lists, PaddedSteps):
            return lists.restore(self._over_padded(*lists.pad(lists.elements)))
        if lists.elements.is_cuda and len(lists.elements):
            sizes = torch.tensor(lists.sizes)
            _, (state, _) = super().forward(PackedSequence(lists.elements, sizes))
            return lists.restore(state[-1])
        if lists.filled >= WELL_FILLED and len(lists.elements):
            return lists.restore(self._over_padded(*lists.pad(lists.elements)))
        return self._over_steps(lists)

    def _over_padded(self, values: Tensor, n_valid: Tensor) -> Tensor:
        states, _ = super().forward(values)
        return last_step(states, n_valid)

    def _over_steps(self, lists: ListsByStep) -> Tensor:
        states = lists.elements
        for from_input, from_state, input_bias, state_bias in self.all_weights:
            gates = functional.linear(states, from_input, input_bias + state_bias)
            states = _States.apply(gates, from_state, lists.sizes)
        return lists.last(lists.steps(states))


class _States(Function):
    """The states of one layer: i, f, o = σ(·), g = tanh(·), c_t = f c_{t-1} + i g, h_t = o tanh(c_t).

    gates: what the elements add to the arguments of i, f, g, o, (n_elements, 4 width), step after step; weight: the
    part of the state before, (4 width, width); sizes: lists at each step. Returns h, (n_elements, width).

    Its gradient is written down, as PyTorch would keep and visit some 30 small nodes a step.
    """

    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.float32)
    def forward(ctx: Any, gates: Tensor, weight: Tensor, sizes: list[int]) -> Tensor:
        width = weight.shape[1]
        state = memory = gates.new_zeros(sizes[0], width)
        steps, before = [], []
        for argument in gates.split(sizes):
            state, memory = state[: len(argument)], memory[: len(argument)]
            before.append(state)
            step = torch.addmm(argument, state, weight.t())
            step[:, : 2 * width].sigmoid_()
            step[:, 2 * width : 3 * width].tanh_()
            step[:, 3 * width :].sigmoid_()
            i, f, g, o = step.chunk(4, 1)
            new = (f * memory).addcmul_(i, g)
            squashed = torch.tanh(new)
            steps.append((step, memory, squashed))
            memory, state = new, o * squashed
            before.append(state)
        ctx.sizes, ctx.steps, ctx.before = sizes, steps, before[::2]
        ctx.save_for_backward(weight)
        return torch.cat(before[1::2])

    @staticmethod
    @once_differentiable
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        (weight,) = ctx.saved_tensors
        width = weight.shape[1]
        of_gates = gradient.new_empty(len(gradient), 4 * width)
        of_state = of_memory = gradient.new_zeros(0, width)  # from the step after, of the lists that go on
        parts = zip(gradient.split(ctx.sizes), of_gates.split(ctx.sizes), ctx.steps, strict=True)
        for of_output, of_step, (step, memory, squashed) in reversed(list(parts)):
            going_on, here = len(of_state), of_output.clone()
            here[:going_on] += of_state
            i, f, g, o = step.chunk(4, 1)
            of_i, of_f, of_g, of_o = of_step.chunk(4, 1)
            torch.mul(here, squashed, out=of_o)
            of_new = _tanh_gradient(here.mul_(o), squashed, grad_input=here)
            of_new[:going_on] += of_memory
            torch.mul(of_new, g, out=of_i)
            torch.mul(of_new, memory, out=of_f)
            torch.mul(of_new, i, out=of_g)
            of_memory = of_new.mul_(f)
            widths = [2 * width, width, width]  # of i and f, g, o
            gates = zip(of_step.split(widths, 1), step.split(widths, 1), _GRADIENTS, strict=True)
            for of_gate, gate, gradient_of in gates:
                gradient_of(of_gate, gate, grad_input=of_gate)
            of_state = of_step @ weight
        return of_gates, of_gates.t() @ torch.cat(ctx.before), None
