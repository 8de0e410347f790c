"""Reading the next rows while the networks compute on these."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
END = object()


@contextmanager
def reading_ahead(items: Iterator[T]) -> Iterator[Iterator[T]]:
    """The same items, one of which is made ahead by a thread. An error in making it is raised where it would come.

    The thread starts at once: it must not take over settings of floating-point numbers that are made for networks.
    """
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        first = thread.submit(next, items, END)

        def deliver() -> Iterator[T]:
            coming = first
            while (item := coming.result()) is not END:
                coming = thread.submit(next, items, END)
                yield item  # type: ignore[misc]

        yield deliver()
