"""A fit that is interrupted and goes on."""

from dataclasses import replace

import pytest

from bevatron.training.checkpoint import find_newest_valid
from bevatron.training.fit import fit
from bevatron.training.job import FitJob


def weights(job: FitJob) -> bytes:
    return (job.folder / "weights.safetensors").read_bytes()


def check_same_bits_after_an_interruption(straight: FitJob, epoch: int = 2) -> None:
    """The job's fit, and one of the same in another folder that is interrupted there, end with the same weights."""

    def interrupt(row):
        if row["epoch"] == epoch:
            raise KeyError("interrupted")

    broken = replace(straight, folder=straight.folder.with_name("broken"))
    fit(straight)
    with pytest.raises(KeyError):
        fit(broken, interrupt)
    assert find_newest_valid(broken.folder) is not None
    assert fit(broken).continued == 1
    assert weights(broken) == weights(straight)
