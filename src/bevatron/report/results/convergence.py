"""Whether a training was still improving when it ended, by its history.

Of all that the validation loss fell by, from the first validation to the lowest, a fraction was gained in the last
quarter of the steps. A loss that approaches its end as exp(-t/τ) gains less than 5 % there from t = 3.25 τ on; a
straight fall gains a quarter. More than 5 %, or too few validations to say, is called still improving. This was fixed
before any history was looked at. A learning rate that falls to zero ends many trainings within their steps: that is
part of the training.
"""

import math
from collections.abc import Mapping, Sequence

LAST_PART = 0.25  # of the steps
STILL_IMPROVING = 0.05  # of what the loss fell by
FEWEST = 4  # validations that can show it


def gained_late(rows: Sequence[Mapping[str, str]]) -> float:
    """The fraction of the fall of the validation loss that came in the last quarter of the steps.

    rows: those of history.csv. NaN with too few validations; 0 of a loss that never fell below its first value.
    """
    steps, losses = ([float(row[name]) for row in rows] for name in ("step", "val_loss"))
    if len(losses) < FEWEST:
        return math.nan
    early = [loss for step, loss in zip(steps, losses, strict=True) if step <= (1 - LAST_PART) * steps[-1]]
    lowest = min(losses)
    if len(early) == 0 or lowest >= losses[0]:
        return math.nan if len(early) == 0 else 0.0
    return max(0.0, min(early) - lowest) / (losses[0] - lowest)


def was_improving(histories: Sequence[Sequence[Mapping[str, str]]]) -> bool:
    """Whether at least half of a model's trainings were; each is the rows of its history.csv."""
    fractions = [gained_late(rows) for rows in histories]
    improving = [math.isnan(f) or f > STILL_IMPROVING for f in fractions]
    return bool(improving) and 2 * sum(improving) >= len(improving)
