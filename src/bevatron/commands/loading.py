"""Importing what a command needs, without a search for garbage among it."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Within it modules are imported and no garbage is looked for: Lightning and PyTorch make a million objects that
    all stay, and looking through them again and again is a sixth of the time. Nor are they looked through later.
    """
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # a process that runs several commands would keep each one's garbage for ever
            gc.freeze()
        gc.enable()
