"""Whether the gradients by which a network learns are the derivatives of its loss, and how a batch adds them up.

Back-propagation applies the chain rule from the loss to the weights (D. Rumelhart, G. Hinton and R. Williams, Nature
323 (1986) 533). Central differences of the loss need no derivative at all, so that the two agree only if each layer's
derivative, and their product, is right.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bevatron.compute.numerics.devices import deterministic
from bevatron.config.sections.task import Regression, Task
from bevatron.errors import UserError
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.inspection.first_samples import read_first, take
from bevatron.evaluate.statistics.measurement import Measurement, measure
from bevatron.models.layers.inputs import Inputs
from bevatron.models.network import Network, load_network

SAMPLES = 50
MOST_WEIGHTS = 500
STEP = 1e-5  # of a weight of order 1: errors of h² and of the rounding 10⁻¹⁶ / h are both about 10⁻¹¹ of the loss

Loss = Callable[[Inputs, Tensor], Tensor]


def measure_gradients(context: EvaluationContext, replicas: int) -> dict[str, Measurement]:
    """Two metrics of each trained network, in float64 on the first test samples; none of a model that is not to be
    checked.

    gradient_error         |g - d| / |d|: g the gradient of the mean loss by back-propagation, d the central differences
                           of the loss in up to `MOST_WEIGHTS` weights, evenly spread over all
    summed_gradient_error  |g(Σ) - Σ g| / |Σ g|: the gradient of a batch's summed loss against the sum of the gradients
                           of its samples, each by itself

    |·| is the Euclidean norm over weights. Both are properties of one network: bootstrap replicas of the test split are
    all alike. Raises UserError for a network whose outputs are rounded on the way (those in a target's unit).
    """
    if context.model_name not in context.study.evaluation.check_gradients or not context.folders:
        return {}
    cpu = torch.device("cpu")  # GPUs have little float64, and the network is small
    samples = read_first(context, SAMPLES, cpu, SAMPLES)
    errors: dict[str, list[float]] = {"gradient_error": [], "summed_gradient_error": []}
    with deterministic(context.model.training.threads):
        for folder in context.folders:
            network = load_network(folder).double().eval()
            if network.outputs.kind != "plain":
                what = f"predicts in the unit of '{context.target}', in which its outputs have float32"
                raise UserError("evaluation.check_gradients", f"{context.model_name} {what}", "leave it out")
            inputs, target = _in_double(samples.inputs), torch.from_numpy(samples.target)
            loss = _loss_of(context.study.task, network)
            errors["gradient_error"].append(against_differences(network, loss, inputs, target))
            errors["summed_gradient_error"].append(against_sum(network, loss, inputs, target))
    return {name: measure([np.full(replicas + 1, e) for e in of_seeds], 0.68) for name, of_seeds in errors.items()}


def _loss_of(task: Task, network: Network) -> Loss:
    """The mean loss of a batch, as the task says, in the network's own precision."""

    def loss(inputs: Inputs, target: Tensor) -> Tensor:
        outputs = network(inputs)
        assert isinstance(outputs, Tensor)  # in evaluation no network has auxiliary heads
        if isinstance(task, Regression):
            error = functional.mse_loss if task.loss == "mse" else functional.l1_loss
            return error(outputs, target.to(outputs).reshape(len(target), -1))
        return functional.cross_entropy(outputs, target.long())

    return loss


def _in_double(inputs: Inputs) -> Inputs:
    for name, group in inputs.items():
        if not isinstance(group, Tensor):
            raise UserError("evaluation.check_gradients", f"'{name}' has lists", "check models of dense inputs alone")
    return {name: group.double() for name, group in inputs.items() if isinstance(group, Tensor)}


def gradient_of(network: nn.Module, loss: Tensor) -> Tensor:
    """By back-propagation, of all weights that learn, one after the other."""
    weights = [w for w in network.parameters() if w.requires_grad]
    return torch.cat([g.reshape(-1) for g in torch.autograd.grad(loss, weights)])


def against_differences(network: nn.Module, loss: Loss, inputs: Inputs, target: Tensor) -> float:
    """|g - d| / |d| of a network in float64 on a batch, as `measure_gradients` says. Its weights stay what they are."""
    weights = [w for w in network.parameters() if w.requires_grad]
    propagated = gradient_of(network, loss(inputs, target)).numpy()
    chosen = np.unique(np.linspace(0, len(propagated) - 1, min(MOST_WEIGHTS, len(propagated))).astype(int))
    starts = np.cumsum([0, *(w.numel() for w in weights)])
    differences = np.empty(len(chosen))
    with torch.no_grad():
        for k, index in enumerate(chosen):
            which = int(np.searchsorted(starts, index, side="right")) - 1
            flat, place = weights[which].view(-1), int(index - starts[which])
            value = flat[place].item()
            step = STEP * max(1.0, abs(value))
            sides = []
            for moved in (value + step, value - step):
                flat[place] = moved
                sides.append((flat[place].item(), loss(inputs, target).item()))
            flat[place] = value
            (up, above), (down, below) = sides
            differences[k] = (above - below) / (up - down)  # by the step that float64 has made
    return _relative(propagated[chosen], differences)


def against_sum(network: nn.Module, loss: Loss, inputs: Inputs, target: Tensor) -> float:
    """|g(Σ) - Σ g| / |Σ g| of a network on a batch, as `measure_gradients` says."""
    n = len(target)
    together = gradient_of(network, n * loss(inputs, target))
    singly = [gradient_of(network, loss(take(inputs, row), target[row])) for row in torch.arange(n).reshape(-1, 1)]
    return _relative(together.numpy(), torch.stack(singly).sum(0).numpy())


def _relative(found: np.ndarray, reference: np.ndarray) -> float:
    """|found - reference| / |reference|; NaN where the reference is zero."""
    scale = float(np.linalg.norm(reference))
    return float(np.linalg.norm(found - reference)) / scale if scale > 0 else float("nan")
