"""The learning rate and the momentum of each optimiser step, as functions of the step's number alone.

Checkpoints therefore do not store them, and a fit can continue from any step.
"""

import logging
import math
from pathlib import Path
from typing import Any

from bevatron.config.sections.training import OneCycle, Training

log = logging.getLogger("bevatron")


def set_rates(optimiser: Any, training: Training, step: int, steps: int) -> None:
    """Set the learning rate of the optimiser for `step` of `steps`, and its momentum if this changes too."""
    if training.schedule == "constant" and training.warm_up is None:
        return
    rate, momentum = learning_rate(training, step, steps), cycled_momentum(training, step, steps)
    for group in optimiser.param_groups:
        group["lr"] = rate
        if momentum is not None and "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])
        elif momentum is not None:
            group["momentum"] = momentum


def learning_rate(training: Training, step: int, steps: int) -> float:
    """The learning rate at `step` of `steps`.

    It is constant, or follows half a cosine from the full rate to zero (Loshchilov and Hutter, arXiv:1608.03983), both
    perhaps after a linear warm-up (as PyTorch's LinearLR), or it follows one cycle.
    """
    full = training.learning_rate
    if training.schedule == "one_cycle":
        options = training.one_cycle or OneCycle()
        first = full / options.div_factor
        return _cycle(options, step, steps, first, full, first / options.final_div_factor)
    rise = warm_up_steps(training, steps)
    if training.warm_up is not None and step < rise:
        start = training.warm_up.start_factor
        return full * (start + (1.0 - start) * step / rise)
    if training.schedule == "cosine":
        return full * 0.5 * (1.0 + math.cos(math.pi * (step - rise) / (steps - rise)))
    return full


def cycled_momentum(training: Training, step: int, steps: int) -> float | None:
    """The momentum, or β₁, at `step` of `steps`; None where it is constant."""
    options = training.one_cycle or OneCycle()
    if training.schedule != "one_cycle" or not options.cycle_momentum:
        return None
    return _cycle(options, step, steps, options.max_momentum, options.base_momentum, options.max_momentum)


def warm_up_steps(training: Training, steps: int) -> int:
    """The number of steps of the warm-up in a fit of `steps`; it may be larger than that of the fit."""
    if training.warm_up is None:
        return 0
    if training.warm_up.steps is not None:
        return training.warm_up.steps
    assert training.warm_up.fraction is not None  # as the section has either
    return round(training.warm_up.fraction * steps)


def warn_of_warm_up(training: Training, steps: int, folder: Path) -> None:
    """Log a warning if a fit of `steps` ends before its warm-up does, which is hardly intended."""
    if training.warm_up is not None and (rise := warm_up_steps(training, steps)) >= steps:
        log.warning(
            "%s: the learning rate rises for %d steps (training.warm_up) and the fit has %d: it stays below the full "
            "one; give warm_up.fraction in place of steps",
            folder, rise, steps,
        )  # fmt: skip


def _cycle(options: OneCycle, step: int, steps: int, first: float, middle: float, last: float) -> float:
    """The value at `step` of a cycle from `first` to `middle` to `last`, as in PyTorch.

    Steps are counted from 0. The peak is at pct_start · steps - 1, which need not be an integer, and the end is at the
    last step.
    """
    peak, end = options.pct_start * steps - 1.0, steps - 1.0
    if peak > 0 and step <= peak:
        return _anneal(options, first, middle, step / peak)
    return _anneal(options, middle, last, (step - peak) / (end - peak) if end > peak else 0.0)


def _anneal(options: OneCycle, start: float, end: float, fraction: float) -> float:
    if options.anneal_strategy == "linear":
        return start + (end - start) * fraction
    return end + 0.5 * (start - end) * (1.0 + math.cos(math.pi * fraction))
