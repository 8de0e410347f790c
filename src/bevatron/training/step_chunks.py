"""How the steps of a fit are cut into chunks and validation intervals.

A step is one update of the weights, an epoch one pass over the training split, a validation interval the epochs between
two validations. A chunk is a run of steps within an interval that Lightning sees as one epoch of its own: its
bookkeeping (hooks, loggers, data fetching: about a millisecond) is then paid once a chunk instead of once a step, and
state is only ever saved between chunks, where it is a function of the chunk's number.
"""

from dataclasses import dataclass

STEPS_PER_CHUNK = 50


@dataclass(frozen=True)
class StepChunk:
    """Steps first_step to last_step (excluded) of the fit; `ends_interval` if a validation follows."""

    number: int
    first_step: int
    last_step: int
    ends_interval: bool


@dataclass(frozen=True)
class Schedule:
    """The chunks of a fit of `epochs` epochs of `steps_per_epoch` steps, validated every `validate_every` epochs.

    steps_per_chunk: at most; fewer where a step takes several batches, so that a chunk takes as long as elsewhere.
    """

    steps_per_epoch: int
    epochs: int
    validate_every: int
    steps_per_chunk: int = STEPS_PER_CHUNK

    @property
    def steps_per_interval(self) -> int:
        """Steps between two validations."""
        return self.steps_per_epoch * self.validate_every

    @property
    def chunks_per_interval(self) -> int:
        """Chunks between two validations; the last one may be shorter than the others."""
        return -(-self.steps_per_interval // self.steps_per_chunk)

    @property
    def n_intervals(self) -> int:
        """Validation intervals of the fit; epochs that fill none are left out."""
        return self.epochs // self.validate_every

    @property
    def n_chunks(self) -> int:
        """Chunks of the fit."""
        return self.n_intervals * self.chunks_per_interval

    @property
    def steps(self) -> int:
        """Steps of the fit."""
        return self.n_intervals * self.steps_per_interval

    def chunk(self, number: int) -> StepChunk:
        """The chunk of that number, from 0."""
        interval, within = divmod(number, self.chunks_per_interval)
        start = interval * self.steps_per_interval
        first = start + within * self.steps_per_chunk
        last = start + min((within + 1) * self.steps_per_chunk, self.steps_per_interval)
        return StepChunk(number, first, last, within == self.chunks_per_interval - 1)

    def epochs_after(self, chunk: StepChunk) -> int:
        """Whole epochs done when `chunk` has ended."""
        return chunk.last_step // self.steps_per_epoch
