"""Stands in for bevatron.training.fit in tests: a loss known in closed form, and failures on request.

The loss after epoch e is (log10(learning_rate) + 2)² + 1/e, lowest at a rate of 0.01. The momentum asks for a
failure. Each call and each epoch is noted in the trial's folder, which also serves as a checkpoint.
"""

import json
import os
import time
from math import log10
from types import SimpleNamespace

import numpy as np

from bevatron.errors import UserError
from bevatron.training.job import Diverged

DIVERGES, LACKS_MEMORY, LACKS_GPU_MEMORY, BREAKS, IS_KILLED = 0.1, 0.2, 0.3, 0.4, 0.5
IS_MISLED = (0.6, 0.7)
IS_KILLED_ONCE = 0.8


class OutOfMemoryError(RuntimeError):
    """As torch.cuda's: known by its name."""


def fit(job, on_validation, context):
    training = job.model.training
    job.folder.mkdir(parents=True, exist_ok=True)
    state = job.folder / "state.json"
    done = json.loads(state.read_text()) if state.exists() else 0
    with open(job.folder / "calls.txt", "a") as file:
        file.write(f"{os.getpid()} {done}\n")
    for epoch in range(done + 1, job.epochs + 1):
        time.sleep(float(os.environ.get("PRETENDED_EPOCH_SECONDS", "0.01")))
        if epoch == 2:
            _fail(training.momentum)
            if training.momentum == IS_KILLED_ONCE and not done:
                os.kill(os.getpid(), 9)
        loss = (log10(training.learning_rate) + 2) ** 2 + 1 / epoch
        on_validation({"epoch": epoch, "val_loss": loss})
        state.write_text(json.dumps(epoch))
        if context.stop_requested():
            raise UserError(job.folder, "the fit was asked to end and saved its state", "run it again to go on")
    return SimpleNamespace(epochs=job.epochs, last_val_loss=loss)


def _fail(momentum):
    if momentum == DIVERGES:
        raise Diverged("the training loss is nan after step 12")
    if momentum == LACKS_MEMORY:
        np.empty(2**57, np.uint8)
    if momentum == LACKS_GPU_MEMORY:
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    if momentum == BREAKS:
        raise KeyError("tracks")
    if momentum == IS_KILLED:
        os.kill(os.getpid(), 9)
    if momentum in IS_MISLED:
        raise UserError("val-0000.h5", "is truncated", "make it again")
