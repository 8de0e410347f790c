"""How the steps of a fit are cut into blocks and rounds.

A step is one update of the weights, an epoch one pass over the training split, a round the epochs between two
validations. A block is a run of steps within a round that Lightning sees as one epoch of its own: its bookkeeping
(hooks, loggers, data fetching: about a millisecond) is then paid once a block instead of once a step, and state is
only ever saved between blocks, where it is a function of the block's number.
"""

from dataclasses import dataclass

STEPS_PER_BLOCK = 50


@dataclass(frozen=True)
class Block:
    """Steps first_step to last_step (excluded) of the fit; `closes_round` if a validation follows."""

    number: int
    first_step: int
    last_step: int
    closes_round: bool


@dataclass(frozen=True)
class Schedule:
    """The blocks of a fit of `epochs` epochs of `steps_per_epoch` steps, validated every `validate_every` epochs."""

    steps_per_epoch: int
    epochs: int
    validate_every: int

    @property
    def steps_per_round(self) -> int:
        return self.steps_per_epoch * self.validate_every

    @property
    def blocks_per_round(self) -> int:
        return -(-self.steps_per_round // STEPS_PER_BLOCK)

    @property
    def rounds(self) -> int:
        return self.epochs // self.validate_every

    @property
    def blocks(self) -> int:
        return self.rounds * self.blocks_per_round

    @property
    def steps(self) -> int:
        return self.rounds * self.steps_per_round

    def block(self, number: int) -> Block:
        round_, within = divmod(number, self.blocks_per_round)
        start = round_ * self.steps_per_round
        first = start + within * STEPS_PER_BLOCK
        last = start + min((within + 1) * STEPS_PER_BLOCK, self.steps_per_round)
        return Block(number, first, last, within == self.blocks_per_round - 1)

    def epochs_after(self, block: Block) -> int:
        """Whole epochs done when `block` has ended."""
        return block.last_step // self.steps_per_epoch
