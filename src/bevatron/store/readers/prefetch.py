"""The thread that reads ahead for the streaming reader, and the shards it holds open."""

import threading
import weakref
from collections import OrderedDict
from queue import SimpleQueue
from typing import TYPE_CHECKING

from bevatron.store.files.verify import check_shard
from bevatron.store.readers.blocks import Block
from bevatron.store.readers.table import SampleTable
from bevatron.store.shards.shard import Shard

if TYPE_CHECKING:
    from bevatron.store.readers.split import Split

OPEN_SHARDS = 16  # each holds a chunk a dataset in HDF5's cache; reopening one costs about a millisecond


class OpenShards:
    """The shards used last, open, each checked against the manifest before it is read."""

    def __init__(self, split: "Split"):
        self._split = split
        self._open: OrderedDict[int, Shard] = OrderedDict()

    def __getitem__(self, number: int) -> Shard:
        if number not in self._open:
            entry = self._split.entries[number]
            path = self._split.folder / entry.file
            check_shard(path, entry, self._split.manifest)
            if len(self._open) >= OPEN_SHARDS:
                self._open.popitem(last=False)[1].close()
            self._open[number] = Shard(path)
        self._open.move_to_end(number)
        return self._open[number]

    def close(self) -> None:
        """Closes all of them."""
        while self._open:
            self._open.popitem()[1].close()


class Prefetch:
    """Fills tables with windows of blocks, in the order asked for, in a thread that ends with this object.

    It ends when `close` is called, when the object is no longer referred to, and when the interpreter exits.
    """

    def __init__(self, tables: list[SampleTable], shards: OpenShards):
        self._requested: SimpleQueue[list[Block] | None] = SimpleQueue()
        self._free: SimpleQueue[SampleTable | None] = SimpleQueue()
        self._ready: SimpleQueue[SampleTable | BaseException] = SimpleQueue()
        stop = threading.Event()
        for table in tables:
            self._free.put(table)
        # The thread must not refer to this object, or it would never be garbage.
        queues = (self._requested, self._free, self._ready)
        thread = threading.Thread(target=_fill, args=(shards, *queues, stop), name="bevatron-prefetch", daemon=True)
        thread.start()
        self._end = weakref.finalize(self, _stop, thread, stop, *queues)

    def ask(self, blocks: list[Block]) -> None:
        """Asks for a window, to be filled after those asked for before."""
        self._requested.put(blocks)

    def next_filled(self) -> SampleTable:
        """The next window; raises what the thread met, UserError for a shard that cannot be read."""
        result = self._ready.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def release(self, table: SampleTable) -> None:
        """Gives a delivered window's table back to be filled again."""
        self._free.put(table)

    def close(self) -> None:
        """Ends the thread and waits until it has ended."""
        self._end()


def _fill(
    shards: OpenShards, requested: SimpleQueue, free: SimpleQueue, ready: SimpleQueue, stop: threading.Event
) -> None:
    try:
        while (blocks := requested.get()) is not None and (table := free.get()) is not None:
            at = 0
            for block in blocks:
                if stop.is_set():
                    return
                table.load(shards[block.shard], block.start, block.stop, at)
                at += block.rows
            ready.put(table)
    except BaseException as error:
        ready.put(error)


def _stop(
    thread: threading.Thread, stop: threading.Event, requested: SimpleQueue, free: SimpleQueue, ready: SimpleQueue
) -> None:
    stop.set()
    requested.put(None)
    free.put(None)
    thread.join()
    ready.put(RuntimeError("this epoch was abandoned: another one was begun, or the reader was closed"))
