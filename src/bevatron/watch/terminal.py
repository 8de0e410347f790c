"""The live screen: drawn again every few seconds until the key q, Ctrl-C, or the end of the workflow."""

import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live

from bevatron.watch.screen import draw, draw_live
from bevatron.watch.snapshot import Snapshot

if TYPE_CHECKING:
    from bevatron.watch.watcher import Watcher

FRACTION_OF_TIME = 0.05  # that goes into looking and drawing, at most
QUIT = ("q", "Q", "\x04")


def show_live(watcher: "Watcher", seconds: float, until_done: bool, console: Console) -> Snapshot:
    """Show the workflow until somebody quits, or with `until_done` until it is over; returns the last state."""
    start = time.monotonic()
    snapshot = watcher.look()
    live = Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
    with _keys() as wait_for_key, ending_on_signals(), suppress(KeyboardInterrupt), live:
        while True:
            live.update(draw_live(snapshot, console.width, console.height), refresh=True)
            pause = max(seconds, (time.monotonic() - start) / FRACTION_OF_TIME)
            if (until_done and snapshot.is_over) or wait_for_key(pause) in QUIT:
                break
            start = time.monotonic()
            snapshot = watcher.look()
    console.print(draw(snapshot, console.width))
    return snapshot


def wait_until_over(watcher: "Watcher", seconds: float) -> Snapshot:
    """The state when nothing runs any more."""
    while not (snapshot := watcher.look()).is_over:
        time.sleep(seconds)
    return snapshot


@contextmanager
def _keys() -> Iterator[Any]:
    """A function that waits so many seconds for a key and returns it, or ''; keys are not shown meanwhile."""
    if not sys.stdin.isatty():
        yield lambda seconds: time.sleep(seconds) or ""
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)

    def wait_for_key(seconds: float) -> str:
        ready = select.select([sys.stdin], [], [], seconds)[0]
        return sys.stdin.read(1) if ready else ""

    try:
        tty.setcbreak(sys.stdin)
        yield wait_for_key
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """Within it SIGTERM and SIGHUP come as Ctrl-C does, so that what was begun is ended: a screen, a process."""

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
