"""The optimiser of a fit."""

import torch

from bevatron.config.sections.training import Training
from bevatron.models.network import Network


def make_optimiser(training: Training, network: Network) -> torch.optim.Optimizer:
    """The optimiser of `training` over the weights that learn."""
    rate, decay = training.learning_rate, training.weight_decay
    learned = [weights for weights in network.parameters() if weights.requires_grad]
    if training.optimiser == "sgd":
        return torch.optim.SGD(learned, lr=rate, weight_decay=decay, momentum=training.momentum)
    kind = torch.optim.Adam if training.optimiser == "adam" else torch.optim.AdamW
    # A fused step divides the gradients by the loss scale itself, after they would have been clipped.
    fused = training.precision != "16-mixed" or training.gradient_clip is None
    return kind(learned, lr=rate, betas=(training.beta1, 0.999), weight_decay=decay, fused=fused)
