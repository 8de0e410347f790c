"""The thread that reads ahead for the streaming reader, and the shards it holds open."""

import threading
import weakref
from collections import OrderedDict
from queue import SimpleQueue
from typing import TYPE_CHECKING

from bevatron.store.shard import Shard
from bevatron.store.table import Table
from bevatron.store.verify import check_shard

if TYPE_CHECKING:
    from bevatron.store.reader import Split

OPEN_SHARDS = 32  # a process may open about a thousand files; reopening one costs less than a millisecond


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
        while self._open:
            self._open.popitem()[1].close()


class Prefetch:
    """Fills tables with one window of blocks after another, in a thread that ends with this object.

    It ends when `close` is called, when the object is no longer referred to, and when the interpreter exits.
    """

    def __init__(self, windows: list[list[tuple[int, int, int]]], tables: list[Table], shards: OpenShards):
        self._free: SimpleQueue[Table | None] = SimpleQueue()
        self._ready: SimpleQueue[Table | BaseException] = SimpleQueue()
        stop = threading.Event()
        for table in tables:
            self._free.put(table)
        # The thread must not refer to this object, or it would never be garbage.
        thread = threading.Thread(
            target=_fill, args=(windows, shards, self._free, self._ready, stop), name="bevatron-prefetch", daemon=True
        )
        thread.start()
        self._end = weakref.finalize(self, _stop, thread, stop, self._free, self._ready)

    def filled(self) -> Table:
        """The next window; raises what the thread met, UserError for a shard that cannot be read."""
        found = self._ready.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def release(self, table: Table) -> None:
        """Gives a delivered window's table back to be filled again."""
        self._free.put(table)

    def close(self) -> None:
        self._end()


def _fill(windows: list, shards: OpenShards, free: SimpleQueue, ready: SimpleQueue, stop: threading.Event) -> None:
    try:
        for blocks in windows:
            table = free.get()
            at = 0
            for number, first, last in blocks:
                if stop.is_set():
                    return
                table.load(shards[number], first, last, at)
                at += last - first
            ready.put(table)
    except BaseException as error:
        ready.put(error)


def _stop(thread: threading.Thread, stop: threading.Event, free: SimpleQueue, ready: SimpleQueue) -> None:
    stop.set()
    free.put(None)
    thread.join()
    ready.put(RuntimeError("this epoch was abandoned: another one was begun, or the reader was closed"))
