"""Every step belongs to one block, and every round ends with a block that closes it."""

import pytest

from bevatron.training.blocks import STEPS_PER_BLOCK, Schedule


@pytest.mark.parametrize(
    ("steps_per_epoch", "epochs", "validate_every"),
    [(1, 1000, 50), (1, 1000, 1), (7, 30, 3), (50, 4, 1), (51, 4, 2), (1234, 3, 1)],
)
def test_blocks_cover_all_steps_once_in_order(steps_per_epoch, epochs, validate_every):
    schedule = Schedule(steps_per_epoch, epochs, validate_every)
    blocks = [schedule.block(n) for n in range(schedule.blocks)]
    steps = [step for block in blocks for step in range(block.first_step, block.last_step)]
    assert steps == list(range(steps_per_epoch * epochs))
    assert max(block.last_step - block.first_step for block in blocks) <= STEPS_PER_BLOCK
    closing = [block.last_step for block in blocks if block.closes_round]
    per_round = steps_per_epoch * validate_every
    assert closing == [per_round * (r + 1) for r in range(epochs // validate_every)]
    assert schedule.epochs_after(blocks[-1]) == epochs
