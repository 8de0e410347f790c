"""What a convolutional network looks for, and what each of its layers makes of an image."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bevatron.evaluate.evaluation import EvaluationContext
from bevatron.evaluate.predictions.columns import TestColumns
from bevatron.models.network import load_network

FILTERS, MAPS, LAYERS = 16, 8, 16  # drawn at most
POOLS = (nn.MaxPool2d, nn.AvgPool2d)


def inspect_layers(context: EvaluationContext) -> dict[str, Any] | None:
    """Of the first seed: "filters" of the first convolution, mean over input channels, each (k, k); "image" (height,
    width), the first of the test split; "layers": of convolutions and pools in the order in which they run, the first
    16, "name", "channels" that it makes, and "maps" (height, width) of the first eight.

    None for a network without convolutions, or of several input groups.
    """
    network = load_network(context.folders[0])
    first = next((m for m in network.modules() if isinstance(m, nn.Conv2d)), None)
    if first is None or len(context.model.inputs) != 1:
        return None
    (group,) = context.model.inputs
    image = TestColumns(context.dataset).images(group, [0])[0]
    layers: list[dict[str, Any]] = []
    convolutions = 0

    def keep(module: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal convolutions
        convolutions += isinstance(module, nn.Conv2d)
        name = f"pool behind convolution {convolutions}" if isinstance(module, POOLS) else f"convolution {convolutions}"
        if len(layers) < LAYERS:
            layers.append({"name": name, "channels": output.shape[1], "maps": _round(output[0, :MAPS].numpy())})

    for module in network.modules():
        if isinstance(module, (nn.Conv2d, *POOLS)):
            module.register_forward_hook(keep)
    with torch.no_grad():
        network({group: torch.from_numpy(image.astype(np.float32))[None]})
    filters = first.weight.detach().mean(1)[:FILTERS].numpy()
    return {"filters": _round(filters), "image": _round(image.mean(0)), "layers": layers}


def _round(values: np.ndarray) -> list:
    return [_round(part) for part in values] if values.ndim > 1 else [float(f"{v:.3g}") for v in values]
