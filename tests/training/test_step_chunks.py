"""Every step belongs to one chunk, and every validation interval ends with a chunk of its own."""

import pytest

from bevatron.training.step_chunks import STEPS_PER_CHUNK, Schedule


@pytest.mark.parametrize(
    ("steps_per_epoch", "epochs", "validate_every"),
    [(1, 1000, 50), (1, 1000, 1), (7, 30, 3), (50, 4, 1), (51, 4, 2), (1234, 3, 1)],
)
def test_blocks_cover_all_steps_once_in_order(steps_per_epoch, epochs, validate_every):
    schedule = Schedule(steps_per_epoch, epochs, validate_every)
    chunks = [schedule.chunk(n) for n in range(schedule.n_chunks)]
    steps = [step for chunk in chunks for step in range(chunk.first_step, chunk.last_step)]
    assert steps == list(range(steps_per_epoch * epochs))
    assert max(chunk.last_step - chunk.first_step for chunk in chunks) <= STEPS_PER_CHUNK
    ending = [chunk.last_step for chunk in chunks if chunk.ends_interval]
    per_round = steps_per_epoch * validate_every
    assert ending == [per_round * (r + 1) for r in range(epochs // validate_every)]
    assert schedule.epochs_after(chunks[-1]) == epochs
