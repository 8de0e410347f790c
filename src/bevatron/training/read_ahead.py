"""Training batches by the number of their step, the next one read by a thread while a step computes."""

import threading
import weakref
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

from bevatron.store.readers.reader import Reader
from bevatron.store.readers.sampling import Sampling
from bevatron.training.step_chunks import Schedule

Batch = dict[str, Any]


class TrainingStream:
    """The batches of the training split as the reader delivers them: step s takes the batch s % steps_per_epoch of the
    epoch s // steps_per_epoch. Steps one after the other come from one stream, any other begins it again.
    """

    def __init__(self, reader: Reader, seed: int, sampling: Sampling, schedule: Schedule, shuffle: bool):
        self._reader, self._seed, self._sampling, self._schedule = reader, seed, sampling, schedule
        self._shuffle = shuffle
        self._stream: Iterator[Batch] | None = None
        self._next_step = -1

    def read(self, step: int) -> Batch:
        """The batch of that step."""
        if self._stream is None or step != self._next_step or step % self._schedule.steps_per_epoch == 0:
            self._stream = self._open_epoch(step)
        batch = next(self._stream)
        self._next_step = step + 1
        return batch

    def _open_epoch(self, step: int) -> Iterator[Batch]:
        epoch, batches_done = divmod(step, self._schedule.steps_per_epoch)
        if self._stream is not None and batches_done == 0:
            next(self._stream, None)  # lets the last epoch end, and keep what it has read ahead for this one
        start = batches_done * self._reader.batch_size
        return self._reader.epoch(self._seed, epoch, shuffle=self._shuffle, start=start, sampling=self._sampling)


class ReadAhead:
    """The batches of a stream, one step ahead of their use, in the same order and with the same numbers.

    The thread begins with the first call of `take`, so that a process forked before has none. It ends when `close` is
    called, when this object is no longer referred to, and when the interpreter exits. What the reader raises, it raises
    at the step whose batch it is.
    """

    def __init__(self, stream: TrainingStream):
        self._stream = stream
        self._requests: SimpleQueue[int | None] = SimpleQueue()
        self._results: SimpleQueue[Batch | BaseException] = SimpleQueue()
        self._requested: int | None = None
        self._end: weakref.finalize | None = None

    def take(self, step: int, following: int | None) -> Batch:
        """The batch of the step; that of `following` is then read while the caller goes on."""
        if self._end is None:
            self._start()
        elif not self._end.alive:
            raise RuntimeError("these batches were closed")
        if self._requested != step:
            if self._requested is not None:
                self._results.get()  # of a step that is not the next one after all
            self._requests.put(step)
        self._requested = None
        result = self._results.get()
        if isinstance(result, BaseException):
            raise result
        if following is not None:
            self._requests.put(following)
            self._requested = following
        return result

    def close(self) -> None:
        """End the thread and wait until it has ended."""
        if self._end is not None:
            self._end()

    def _start(self) -> None:
        # The thread must not refer to this object, or it would never be garbage.
        thread = threading.Thread(
            target=_serve, args=(self._stream, self._requests, self._results), name="bevatron-read-ahead", daemon=True
        )
        thread.start()
        self._end = weakref.finalize(self, _stop, thread, self._requests)


def _serve(stream: TrainingStream, requests: SimpleQueue, results: SimpleQueue) -> None:
    while (step := requests.get()) is not None:
        try:
            results.put(stream.read(step))
        except BaseException as error:
            results.put(error)


def _stop(thread: threading.Thread, requests: SimpleQueue) -> None:
    requests.put(None)
    thread.join()
