"""Looking into networks of two inputs: their surface over the plane, their direction, the first steps of their fit."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bevatron.compute.numerics.devices import deterministic
from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.models.network import load_network

PIXELS = 41
CPU = torch.device("cpu")


def surface(folder: Path, groups: list[str], extent: list[float]) -> np.ndarray:
    """The output for class 1 less ½ (0 on the decision line) on a grid over the extent, rows from bottom to top."""
    left, right, bottom, top = extent
    x, y = np.meshgrid(np.linspace(left, right, PIXELS), np.linspace(bottom, top, PIXELS))
    points = torch.from_numpy(np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32))
    with torch.no_grad():
        return _difference(folder, groups, points).numpy().reshape(PIXELS, PIXELS) / 2


def mean_gradient(folder: Path, groups: list[str], points: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Of the difference between the outputs, mean over points (n, 2) with `weights` (n,): along w for a single unit of
    any activation.
    """
    x = torch.from_numpy(points.astype(np.float32)).requires_grad_()
    (gradient,) = torch.autograd.grad(_difference(folder, groups, x).sum(), x)
    if weights is not None:
        return weights @ gradient.double().numpy() / weights.sum()
    return gradient.double().mean(0).numpy()


def weights_of(folder: Path) -> np.ndarray | None:
    """W and θ of a single unit, (3,); None for any other network."""
    unit = load_network(folder).architecture
    if not hasattr(unit, "hyperplane"):
        return None
    w, theta = unit.hyperplane()
    return np.array([*w.tolist(), theta])


def hidden_lines(folder: Path) -> list[np.ndarray]:
    """W and θ, (3,), of each unit of the only hidden layer of a network; empty for any other, also with scaled inputs,
    as the lines are those of the plane.
    """
    network = load_network(folder)
    layers = getattr(network.architecture, "layers", None)
    linear = [layer for layer in layers if isinstance(layer, torch.nn.Linear)] if layers is not None else []
    if len(linear) != 2 or network.spec.normalise != "none":
        return []
    weights, biases = linear[0].weight.detach().numpy(), linear[0].bias.detach().numpy()
    return [np.array([*w, -b]) for w, b in zip(weights, biases, strict=True)]


def first_corrections(context: EvaluationContext, n_corrections: int = 6) -> list[dict[str, Any]]:
    """The first changes of a unit's line in the fit of the first seed, which are made here a second time.

    Each: the number of the step, the sample's x and label, and w and θ before and after. Only of units that learn
    sample by sample and have a step, as any other unit changes with each sample; none for a variation.
    """
    training, unit = context.model.training, context.model.architecture
    rosenblatts = unit.kind == "perceptron" and getattr(unit, "activation", None) == "step"
    by_sample = training.batch_size == 1 and training.accumulate == 1
    if context.learned_from is not None or not by_sample or not rosenblatts:
        return []
    return replay(context, n_corrections=n_corrections)


def replay(
    context: EvaluationContext, n_corrections: int | None = None, steps: int | None = None
) -> list[dict[str, Any]]:
    """The fit's first steps again, until the line has changed `n_corrections` times, or for `steps`."""
    from bevatron.training.data import DataModule  # Lightning, which costs two seconds, and which few models need here
    from bevatron.training.fit import initial_network, make_learner
    from bevatron.training.job import FitJob
    from bevatron.training.learning_rate import set_rates
    from bevatron.training.optimiser import make_optimiser

    study, model = context.study, context.model
    data_loading = context.workflow.data_loading
    job = FitJob(study, model, context.dataset.manifest_path.resolve(), context.seeds[0], Path(), data_loading, "cpu")
    corrections: list[dict[str, Any]] = []
    with deterministic(model.training.threads):
        data = DataModule(job, context.dataset.manifest, CPU)
        try:
            network = initial_network(job, context.dataset.manifest)
            learner = make_learner(job, network, data)
            optimiser = make_optimiser(model.training, network)
            chunk = data.schedule.chunk(0)
            last = data.schedule.steps_per_epoch if steps is None else steps
            step = 0
            while step < last and (n_corrections is None or len(corrections) < n_corrections):
                for batch in data.training_batches(chunk):
                    set_rates(optimiser, model.training, step, data.schedule.steps)
                    before = _line(network)
                    optimiser.zero_grad(set_to_none=True)
                    learner.loss(network(batch["inputs"]), batch).backward()
                    optimiser.step()
                    if _line(network) != before and (n_corrections is None or len(corrections) < n_corrections):
                        (point,) = (batch["inputs"][group][0].tolist() for group in model.inputs)
                        label = int(batch["targets"][job.target][0])
                        corrections.append(
                            {"step": step, "x": point, "label": label, "before": before, "after": _line(network)}
                        )
                    step += 1
                chunk = data.schedule.chunk(chunk.number + 1)
        finally:
            data.close()
    return corrections


def _line(network: Any) -> list[float]:
    w, theta = network.architecture.hyperplane()
    return [*w.tolist(), theta]


def _difference(folder: Path, groups: list[str], points: Tensor) -> Tensor:
    """Output 1 less output 0 at points (n, 2), whose columns are the groups' features one after the other."""
    network = load_network(folder)
    inputs, start = {}, 0
    for group in groups:
        width = network.spec.inputs[group].size
        inputs[group] = points[:, start : start + width]
        start += width
    outputs = network(inputs)
    return outputs[:, 1] - outputs[:, 0]
