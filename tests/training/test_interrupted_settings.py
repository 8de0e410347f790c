"""Whatever the settings, and wherever a fit is interrupted, it ends with the bits of one that never was.

`benchmarks/resume.py` does the same for hundreds of drawn settings.
"""

import random
from dataclasses import replace

import pytest
from digit_jobs import job_of
from drawn_fits import FAMILIES, draw, in_folder
from lives import PLACES, Killed, fit_block_by_block, fit_interrupted, interrupted_at, outcome

from bevatron.compute.distributed.distributed_context import DistributedContext
from bevatron.training.fit import fit


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("drawn")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("family", FAMILIES)
def test_interruptions_change_nothing(family, seed, data, tmp_path):
    straight = draw(family, seed, tmp_path / "fit", data)
    expected = outcome(straight, fit(straight))
    by_block = in_folder(straight, "by-block")
    assert outcome(by_block, fit_block_by_block(by_block)[0]) == expected
    broken = in_folder(straight, "broken")
    result, places = fit_interrupted(broken, random.Random(seed))
    assert outcome(broken, result) == expected, places


@pytest.fixture
def stopping(tmp_path):
    """A fit that stops early, of epochs of one block with a validation after each, and its outcome."""
    job = job_of("fgsm", tmp_path)
    values = {
        "epochs": 40,
        "checkpoint": "best",
        "early_stopping": {"patience": 2, "min_delta": 0.02},
        "adversarial": None,
    }
    job = replace(job, model=job.model.with_values({f"training.{key}": value for key, value in values.items()}))
    result = fit(job)
    assert result.stopped_early
    return job, outcome(job, result)


@pytest.mark.parametrize("place", PLACES[1:], ids=lambda place: f"{place[2]}_{place[1].strip('_')}")
def test_early_stopping_counts_on_after_an_interruption_at_any_validation(place, stopping):
    """Also between the stop and the publication, where the last checkpoint is that of a block before."""
    straight, expected = stopping
    publication = place[0].__class__.__name__ == "module"
    last = expected["result"]["epochs"]
    for call in (1,) if publication else sorted({1, last // 2, *range(last - 3, last + 1)}):
        job = in_folder(straight, f"{place[2]}-{place[1]}-{call}")
        with pytest.raises(Killed), interrupted_at(place, call):
            fit(job)
        assert outcome(job, fit(job)) == expected, call


def test_a_request_to_end_in_the_block_that_stops_early_changes_nothing(stopping):
    """The fit has ended, so it is published: there is no state to save, and nothing to go on with."""
    straight, expected = stopping
    job = in_folder(straight, "asked")
    epochs = expected["result"]["epochs"]
    seen = []
    context = DistributedContext(stop_requested=lambda: bool(seen))
    assert outcome(job, fit(job, lambda row: seen.append(1) if row["epoch"] == epochs else None, context)) == expected
