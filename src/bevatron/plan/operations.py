"""How much more a network computes at one scale than at another: images and networks grow together."""

import math
from contextlib import suppress
from typing import TYPE_CHECKING

from bevatron.config.loading.kinds import ARCHITECTURES, RECIPES, SOURCES
from bevatron.config.sections.model import Model
from bevatron.config.sections.study import Study
from bevatron.config.sections.task import Generation, MultiLabel, Reconstruction, Regression, Task

if TYPE_CHECKING:
    from torch import Tensor, nn


def estimate_growth(planned: Study, measured: Study) -> dict[str, float]:
    """By model, the operations of a sample in `planned` over those in `measured`, which is the same study at another
    scale; only of models that read images alone, and whose recipe tells their shapes.
    """
    factors = {}
    for name in planned.models:
        if name not in measured.models:
            continue
        now, before = (count_operations(study, study.models[name]) for study in (planned, measured))
        if now and before:
            factors[name] = now / before
    return factors


def estimate_larger_samples(planned: Study, measured: Study) -> float:
    """The numbers of a sample in `planned` over those in `measured`, where images are dense; 1 where they are not."""
    sizes = []
    for study in (planned, measured):
        source = SOURCES[study.simulation.source.kind]()
        if not hasattr(source, "image_shape"):
            return 1.0
        shapes = RECIPES[study.dataset.recipe.kind]().images(study.dataset.recipe, study.simulation.source)
        sizes.append(sum(math.prod(shape) for shape in shapes.values()))
    return sizes[0] / sizes[1]


def count_operations(study: Study, model: Model) -> float | None:
    """Multiplications of a forward pass of one sample, of convolutions and linear layers; None where the shapes are not
    known. Of a detector, those of the parts that see the whole image.
    """
    recipe = RECIPES[study.dataset.recipe.kind]()
    if not hasattr(recipe, "images"):
        return None
    shapes = recipe.images(study.dataset.recipe, study.simulation.source)
    n_outputs = _n_outputs(study.task)
    if n_outputs is None or not set(model.inputs) <= set(shapes):
        return None
    import torch

    from bevatron.models.layers.inputs import InputGroup

    inputs = {name: InputGroup(shapes[name], tuple(map(str, range(shapes[name][0])))) for name in model.inputs}
    with torch.random.fork_rng(devices=[]), torch.device("meta"), torch.no_grad():
        network = ARCHITECTURES[model.architecture.kind](model.architecture, inputs, n_outputs).eval()
        counts = _count_layers(network)
        with suppress(NotImplementedError, RuntimeError):  # what a detector does next follows from what it sees
            network({name: torch.empty(1, *shape.shape) for name, shape in inputs.items()})
    return float(sum(counts))


def _n_outputs(task: Task) -> int | None:
    """Outputs of a network for the task; None of a reconstruction and of labels, whose number is the dataset's. A
    regression counts one number, as few more change little.
    """
    match task:
        case Reconstruction() | MultiLabel():
            return None
        case Regression():
            return 2 if task.loss == "gaussian_nll" else 1
        case Generation():
            return 1
        case _:
            return len(task.classes)


def _count_layers(network: "nn.Module") -> list[int]:
    """A list to which every convolution and linear layer adds its multiplications when it is called."""
    from torch import nn

    counts: list[int] = []

    def count(layer: "nn.Module", _: object, out: "Tensor") -> None:
        if isinstance(layer, nn.Conv2d):
            counts.append(out.numel() * layer.in_channels // layer.groups * layer.kernel_size[0] * layer.kernel_size[1])
        elif isinstance(layer, nn.Linear):
            counts.append(out.numel() * layer.in_features)

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    return counts
