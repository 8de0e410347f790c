"""What a convolutional network looks for, and what each of its layers makes of an image."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.models.network import load_network

FILTERS, MAPS, LAYERS = 16, 8, 4  # drawn at most
LAYER = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)


def inspect_layers(context: EvaluationContext) -> dict[str, Any] | None:
    """Of the first seed: "filters" of the first convolution, mean over input channels, each (k, k); "image" (height,
    width), the first of the test split; "layers": name and maps (height, width) behind convolutions and pools.

    None for a network without convolutions, or of several input groups.
    """
    network = load_network(context.folders[0])
    first = next((m for m in network.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None or len(context.model.inputs) != 1:
        return None
    (group,) = context.model.inputs
    image = TestColumns(context.dataset).images(group, [0])[0]
    activations: list[dict[str, Any]] = []

    def keep(name: str):
        def hook(module: nn.Module, _: Any, output: Tensor) -> None:
            if len(activations) < LAYERS:
                activations.append({"name": name, "maps": _round(output[0, :MAPS].numpy())})

        return hook

    numbers = {nn.Conv2d: 0}
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            numbers[nn.Conv2d] += 1
            module.register_forward_hook(keep(f"convolution {numbers[nn.Conv2d]}"))
        elif isinstance(module, LAYER):
            module.register_forward_hook(keep(f"pool behind convolution {numbers[nn.Conv2d]}"))
    with torch.no_grad():
        network({group: torch.from_numpy(image.astype(np.float32))[None]})
    filters = first.weight.detach().mean(1)[:FILTERS].numpy()
    return {"filters": _round(filters), "image": _round(image.mean(0)), "layers": activations}


def _round(values: np.ndarray) -> list:
    return [_round(part) for part in values] if values.ndim > 1 else [float(f"{v:.3g}") for v in values]
