"""A fit in several lives: asked to end after every block, or interrupted by an exception at a drawn place."""

import csv
import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.errors import UserError
from bevatron.training import fit as fitting
from bevatron.training.checkpoint import Checkpointing
from bevatron.training.fit import fit
from bevatron.training.history import History
from bevatron.training.job import FitJob, FitResult
from bevatron.training.learner import Learner

# Where a life may end: before a step; between the row of a validation and the early stopping's decision; between that
# and the block's checkpoint; after it; between the fit's stop and the publication of its weights, or of its result; and
# between that and the removal of the checkpoints.
PLACES = (
    (Learner, "_prepare_step", "before"),
    (History, "on_validation_end", "after"),
    (Checkpointing, "on_train_epoch_end", "before"),
    (Checkpointing, "on_train_epoch_end", "after"),
    (fitting, "_publish", "before"),
    (fitting, "publish_json", "before"),
    (fitting, "forget_checkpoints", "before"),
)
MOST_LIVES = 500
TIMES = ("seconds", "samples_per_second", "data_wait", "continued")  # of a result: what a life more may change


class Killed(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


def fit_block_by_block(job: FitJob) -> tuple[FitResult, int]:
    """The result, and how many lives it took: each is asked to end after its first block."""
    for life in range(1, MOST_LIVES):
        try:
            return fit(job, context=DistributedContext(stop_requested=lambda: True)), life
        except UserError as error:
            if "asked to end" not in error.what:
                raise
    raise AssertionError("the fit makes no progress")


def fit_interrupted(job: FitJob, chance: random.Random, most: int = 4) -> tuple[FitResult, list[str]]:
    """The result after up to `most` interruptions at drawn places, and those places."""
    ended = []
    for _ in range(most):
        place = chance.choice(PLACES)
        steps = place[1] == "_prepare_step"
        try:
            with interrupted_at(place, chance.randint(1, 200 if steps else 6)):
                result = fit(job)
        except Killed:
            ended.append(f"{place[2]} {place[1].strip('_')}")
        else:
            return result, ended
    return fit(job), ended


@contextmanager
def interrupted_at(place: tuple[Any, str, str], call: int) -> Iterator[None]:
    """Raise Killed before or after the call of that number, counted from 1, of a function or method."""
    owner, name, when = place
    whole, calls = getattr(owner, name), itertools.count(1)

    def cut(*arguments: Any, **more: Any) -> Any:
        now = next(calls) == call
        if now and when == "before":
            raise Killed
        found = whole(*arguments, **more)
        if now:
            raise Killed
        return found

    with mock.patch.object(owner, name, cut):
        yield


def outcome(job: FitJob, result: FitResult) -> dict[str, Any]:
    """All that must not depend on interruptions: weights, losses, what was published."""
    with (job.folder / "history.csv").open(newline="") as file:
        rows = [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]
    return {
        "weights": (job.folder / "weights.safetensors").read_bytes(),
        "history": rows,
        "result": {k: v for k, v in result.as_dict().items() if k not in TIMES},
        "left": sorted(p.name for p in job.folder.glob("b*-*")),
    }
